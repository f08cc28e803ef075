-- PATCH /sessions/{id} of a random id with a new context, each another.
dofile(os.getenv("BENCH_WRK") .. "/load.lua")

function request()
    return bench.with_body('PATCH', '/sessions/' .. bench.random_id(),
                           '{"context":' .. bench.context() .. '}')
end
