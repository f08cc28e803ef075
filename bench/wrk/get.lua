-- GET /sessions/{id} of a random id.
dofile(os.getenv("BENCH_WRK") .. "/load.lua")

function request()
    return 'GET /sessions/' .. bench.random_id() .. ' HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
end
