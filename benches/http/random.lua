-- Windows of 250 hourly bars that begin anywhere in five years: next to none is asked twice.
local first, hours = 1546300800000, 43800
local seed = 0
setup = function(thread) seed = seed + 1; thread:set("seed", seed) end
init = function() math.randomseed(seed * 7919) end
request = function()
  -- Odd milliseconds make even a repeated hour a new URL.
  local start = first + math.random(0, hours - 260) * 3600000 - math.random(0, 999)
  return wrk.format("GET", "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=" .. string.format("%d", start) .. "&limit=250")
end
