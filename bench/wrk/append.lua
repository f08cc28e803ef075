-- POST /sessions/{id}/entries of a random id: one entry of about 1 KiB with a uuid of its own.
dofile(os.getenv("BENCH_WRK") .. "/load.lua")

local function uuid()
    return ("%04x%04x-%04x-4%03x-8%03x-%04x%04x%04x"):format(
        math.random(65536) - 1, math.random(65536) - 1, math.random(65536) - 1,
        math.random(4096) - 1, math.random(4096) - 1, math.random(65536) - 1,
        math.random(65536) - 1, math.random(65536) - 1)
end

function request()
    bench.turn = bench.turn + 1
    local text = bench.summary() .. bench.summary() .. bench.summary() .. bench.summary() .. bench.summary()
    return bench.with_body('POST', '/sessions/' .. bench.random_id() .. '/entries',
                           ('[{"uuid":"%s","turn":%d,"text":"%s"}]'):format(uuid(), bench.turn, text:sub(1, 944)))
end
