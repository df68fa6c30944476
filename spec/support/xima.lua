-- What the specs of Xima share: a day, answers that are JSON, and every call that
-- there is.
local server = require "spec.support.server"

local xima = {}

xima.DAY = { from = "2026-06-01", to = "2026-06-02" }

--- An answer that is JSON.
function xima.json(text, status)
  return server.answer(text, { status = status, headers = { ["Content-Type"] = "application/json" } })
end

--- Every call that there is, with a name: f(client).
xima.calls = {
  agents = function(c) return c:agents():all() end,
  skills = function(c) return c:skills():all() end,
  metrics = function(c) return c:metrics() end,
  metric_values = function(c) return c:metric_values { "101" } end,
  recordings = function(c) return c:recordings(xima.DAY):all() end,
  historic_data = function(c) return c:historic_data("1001", xima.DAY) end,
  audio = function(c)
    local rows, err = c:recordings { from = "2025-06-30", to = "2026-06-30", limit = 1 }:all()
    if not rows then
      return nil, err
    end
    return c:audio(rows[1])
  end,
}

return xima
