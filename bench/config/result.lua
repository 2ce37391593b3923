-- wrk's statistics as one line of JSON: its own report rounds latencies away.

local function quoted(name, value) return string.format('"%s": %s', name, value) end

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
