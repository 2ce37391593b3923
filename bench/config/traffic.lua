-- Requests of many callers for wrk: each with one of the prompts (all as likely) and one of the keys (Zipf's law).
-- BENCH_FOLDER has prompts.txt and the file BENCH_KEYS (empty: no keys are sent), BENCH_SEED makes the drawing
-- repeatable, BENCH_EXPONENT is Zipf's.

dofile(os.getenv("BENCH_SCRIPTS") .. "/result.lua")

local heads, bodies, sums = {}, {}, {}
local format, random = string.format, math.random

local function lines(name)
  local found = {}
  for line in io.lines(os.getenv("BENCH_FOLDER") .. "/" .. name) do found[#found + 1] = line end
  return found
end

function init(args)
  local head = format("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json", wrk.path, wrk.headers["Host"])
  local name = os.getenv("BENCH_KEYS")
  if name == "" then
    heads[1] = head
  else
    for i, key in ipairs(lines(name)) do heads[i] = head .. "\r\nAuthorization: Bearer " .. key end
  end
  for i, body in ipairs(lines("prompts.txt")) do
    bodies[i] = format("\r\nContent-Length: %d\r\n\r\n%s", #body, body)
  end
  local exponent, sum = tonumber(os.getenv("BENCH_EXPONENT")), 0
  for rank = 1, #heads do
    sum = sum + rank ^ -exponent
    sums[rank] = sum
  end
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
end

-- The first rank whose sum is not below the number drawn.
local function drawn()
  local wanted, low, high = random() * sums[#sums], 1, #sums
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < wanted then low = middle + 1 else high = middle end
  end
  return low
end

function request()
  return heads[drawn()] .. bodies[random(#bodies)]
end
