-- What the load scripts share. Each of wrk's threads has a Lua state of its own; setup() and done()
-- run in wrk's own.
--
-- wrk … -s bench/wrk/get.lua URL -- IDS [BYTES]
-- IDS is a file of session ids, one a line; BYTES the size of a context.
bench = { ids = {}, bytes = 0, turn = 1000000 }

local record_bytes = 128
local threads = 0

function setup(thread)
    thread:set("number", threads)
    threads = threads + 1
end

-- Records of one message each, `{"role":…},`, of record_bytes; a context is a slice of them, so
-- that no two contexts share their pages.
local function random_messages(count)
    local letters = "abcdefghijklmnopqrstuvwxyz .,eto"
    local head, tail = '{"role":"user","text":"', '\\n"},'
    local messages = {}
    for i = 1, count do
        local text = {}
        for j = 1, record_bytes - #head - #tail do
            local at = math.random(#letters)
            text[j] = letters:sub(at, at)
        end
        messages[i] = head .. table.concat(text) .. tail
    end
    return table.concat(messages)
end

function init(args)
    math.randomseed(os.time() * 64 + number)
    bench.bytes = tonumber(args[2] or "0")
    for id in io.lines(args[1]) do
        bench.ids[#bench.ids + 1] = id
    end
    bench.records = math.floor(bench.bytes / record_bytes)
    bench.messages = random_messages(2 * bench.records + 1024)
    bench.text = bench.messages:gsub('[^a-z ]', 'x')
end

function bench.random_id()
    return bench.ids[math.random(#bench.ids)]
end

function bench.summary()
    local at = math.random(#bench.text - 200)
    return bench.text:sub(at, at + 199)
end

-- A JSON object of bench.bytes, no two alike.
function bench.context()
    bench.turn = bench.turn + 1
    local from = math.random(bench.records + 1024)
    local messages = bench.messages:sub((from - 1) * record_bytes + 1,
                                        (from - 1 + bench.records) * record_bytes - 1)
    return '{"turn":' .. bench.turn .. ',"messages":[' .. messages .. ']}'
end

function bench.with_body(method, path, body)
    return method .. ' ' .. path .. ' HTTP/1.1\r\nHost: 127.0.0.1\r\n' ..
           'Content-Type: application/json\r\nContent-Length: ' .. #body .. '\r\n\r\n' .. body
end

-- One line that run.sh reads.
function done(summary, latency)
    local errors = summary.errors
    print(("bench %d %d %d %d %d"):format(summary.requests, summary.duration,
          errors.connect + errors.read + errors.write + errors.timeout + errors.status,
          latency:percentile(50), latency:percentile(99)))
end

-- With BENCH_RECORD set, the first answer is written to that file, for bare_http to repeat.
local record = os.getenv("BENCH_RECORD")
if record then
    function response(status, headers, body)
        local file = io.open(record, "w")
        file:write(status, "\n")
        for name, value in pairs(headers) do
            if name ~= "Date" and name ~= "Content-Length" and name ~= "Connection" then
                file:write(name, ": ", value, "\n")
            end
        end
        file:write("\n", body)
        file:close()
        wrk.thread:stop()
    end
end
