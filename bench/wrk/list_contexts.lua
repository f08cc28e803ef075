-- GET /sessions with contexts: the newest 50, whole.
dofile(os.getenv("BENCH_WRK") .. "/load.lua")

local page = 'GET /sessions?limit=50&include=context HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

function request()
    return page
end
