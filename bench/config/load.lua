-- One fixed request for wrk. BENCH_BODY is its body; BENCH_HEADERS holds lines of "Name: value".

dofile(os.getenv("BENCH_SCRIPTS") .. "/result.lua")

wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
for name, value in (os.getenv("BENCH_HEADERS") or ""):gmatch("([^:\n]+): ([^\n]+)") do
  wrk.headers[name] = value
end
