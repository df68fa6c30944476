-- content_by_lua_file: the queues and their metrics, as JSON.
local clients = require "clients"
local json = require "cjson.safe"

local metrics = { "interactionsWaitInQueue.rt", "interactionsHandling.rt" }
local rows, err = clients.x8:queues({ metrics = metrics, deadline = 10 }):all()

ngx.header.content_type = "application/json"
if not rows then
  ngx.log(ngx.ERR, tostring(err))
  ngx.status = err.code == "timeout" and 504 or 502
  ngx.say(json.encode { error = err.code })
  return
end

local queues = {}
for i, row in ipairs(rows) do
  queues[i] = { id = row.id, name = row.name, waiting = row.metrics[metrics[1]], handling = row.metrics[metrics[2]] }
end
ngx.say(json.encode { queues = queues })
