-- One fixed request for wrk, and its statistics as one line of JSON (wrk's own report rounds latencies away).
-- BENCH_BODY is the request's body; BENCH_HEADERS holds lines of "Name: value".

local function quoted(name, value) return string.format('"%s": %s', name, value) end

wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
for name, value in (os.getenv("BENCH_HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do
  wrk.headers[name] = value
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write("bench-result: {", table.concat({
    quoted("requests", summary.requests),
    quoted("duration_us", summary.duration),
    quoted("bytes", summary.bytes),
    quoted("p50_us", latency:percentile(50)),
    quoted("p99_us", latency:percentile(99)),
    quoted("connect", e.connect),
    quoted("read", e.read),
    quoted("write", e.write),
    quoted("status", e.status),
    quoted("timeout", e.timeout),
  }, ", "), "}\n")
end
