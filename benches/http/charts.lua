-- Windows of about 250 daily bars that begin at any second of fifteen years: next to none is asked twice.
local seed = 0
setup = function(thread) seed = seed + 1; thread:set("seed", seed) end
init = function() math.randomseed(seed * 7919) end
request = function()
  local from = 1262304000 + math.random(0, 15 * 365 * 86400)
  local query = "?period1=" .. from .. "&period2=" .. (from + 362 * 86400) .. "&interval=1d"
  return wrk.format("GET", "/yahoo/v8/finance/chart/AAPL" .. query)
end
