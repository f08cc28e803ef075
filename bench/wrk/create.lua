-- POST /sessions, each body another.
dofile(os.getenv("BENCH_WRK") .. "/load.lua")

function request()
    bench.turn = bench.turn + 1
    return bench.with_body('POST', '/sessions',
        ('{"project_path":"/home/me/projects/p%03d","thread_id":"+1555%07d","context":{"turn":%d,"summary":"')
            :format(math.random(500) - 1, math.random(10000) - 1, bench.turn) .. bench.summary() .. '"}}')
end
