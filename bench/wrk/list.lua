-- GET /sessions: the default page, the newest 50 without their contexts.
dofile(os.getenv("BENCH_WRK") .. "/load.lua")

local page = 'GET /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

function request()
    return page
end
