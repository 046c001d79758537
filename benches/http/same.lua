-- One window of 250 hourly bars, asked again and again.
request = function()
  return wrk.format("GET", "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1600002000000&endTime=1600898400000&limit=250")
end
