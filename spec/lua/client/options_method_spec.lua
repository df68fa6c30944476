-- Usage errors of a method: it raises, at the line of the caller, before anything is sent.
local ccaas = require "ccaas"
local usage = require "spec.support.usage"

local options, raises = usage.options, usage.raises

describe("a usage error of a method", function()
  local client
  before_each(function() client = ccaas.new(options()) end)
  after_each(function() client:close() end)

  it("is a size that is not a whole number from 1 to 1000", function()
    for _, size in ipairs { 0, 1001, 1.5, "10", -1, math.huge, 0 / 0, {}, false } do
      raises("size|whole number from 1 to 1000", function() client:queues { size = size } end)
    end
    for _, size in ipairs { 1, 1000 } do
      client:queues { size = size }:close()
    end
  end)

  it("is a page or limit that is not a whole number", function()
    for _, name in ipairs { "page", "limit" } do
      for _, value in ipairs { -1, 0.5, "1", math.huge } do
        raises(name, function() client:queues { [name] = value } end)
      end
    end
  end)

  it("is a misspelt option: the message names the nearest one", function()
    raises("queues: unknown option `metric`|did you mean \"metrics\"", function()
      client:queues { metric = "busy.rt" }
    end)
    raises("agents: unknown option `group_id`|did you mean \"group_ids\"", function()
      client:agents { metrics = "a", group_id = "1" }
    end)
    raises("queue: unknown option `totals`", function() client:queue("101", { totals = true }) end)
    raises("request: unknown option `header`|did you mean \"headers\"", function()
      client:request { path = "/", header = {} }
    end)
  end)

  -- It was now one of them, now the other.
  it("names the first by name of several options that are wrong", function()
    for _ = 1, 20 do
      raises("queues: option `limit`", function()
        client:queues { page = -1, limit = -1, size = 0, timezone = 5, totals = 1, timeout = -1 }
      end)
    end
  end)

  -- It was called by the name of a method that was not called, and did not say what
  -- there is.
  it("is a watch of an unknown list, or with wrong options", function()
    raises("watch: \"queue\" is not a list that can be watched; did you mean \"queues\"", function()
      client:watch("queue")
    end)
    raises("watch: \"calls\" is not a list that can be watched (known: agents, groups, queues)", function()
      client:watch("calls")
    end)
    raises("watch: nil is not a list that can be watched (known: agents, groups, queues)", function()
      client:watch()
    end)
    raises("watch: unknown option `metric`|did you mean \"metrics\"", function()
      client:watch("queues", { metric = "a" })
    end)
    raises("watch: unknown option `intervall`|did you mean \"interval\"", function()
      client:watch("queues", { intervall = 5 })
    end)
    raises("watch: option `interval`|5 seconds or more", function() client:watch("queues", { interval = 1 }) end)
    raises("watch: option `size`", function() client:watch("queues", { size = 0 }) end)
    raises("watch: needs option `metrics` or `summary`", function() client:watch("agents") end)
    raises("watch: expected a table of options, got a string", function() client:watch("queues", "metrics") end)
  end)

  it("is anything but a table for options", function()
    raises("queues: expected a table of options, got a string", function() client:queues("101") end)
    raises("queue: expected a table of options", function() client:queue("101", 5) end)
  end)

  it("is an id that is missing, empty, a dot, two dots or not a string", function()
    for _, id in ipairs { "", ".", "..", 101, false, {} } do
      raises("queue", function() client:queue(id) end)
      raises("group", function() client:group_agents(id) end)
      raises("agent", function() client:queue_agent("101", id) end)
      raises("queue", function() client:queue_agent(id, "7") end)
      raises("queue_ids[2]", function() client:queues { queue_ids = { "1", id } } end)
    end
    raises("queue id|nil", function() client:queue() end)
    raises("agent id|nil", function() client:group_agent("1") end)
    raises("agent id|table", function() client:queue_agent("101", { metrics = "a" }) end)
  end)

  it("is a list that is empty, has holes or fields, or is not a list", function()
    for _, name in ipairs { "agent_ids", "group_ids" } do
      raises(name .. "|empty", function() client:agents { summary = true, [name] = {} } end)
      raises(name .. "[1]|empty", function() client:agents { summary = true, [name] = "" } end)
      raises(name .. "[2]|empty", function() client:agents { summary = true, [name] = "1,,2" } end)
      raises(name .. "|list", function() client:agents { summary = true, [name] = 5 } end)
      raises(name .. "|field|x", function() client:agents { summary = true, [name] = { "1", x = "2" } } end)
      raises(name, function() client:agents { summary = true, [name] = { [1] = "1", [3] = "2" } } end)
    end
    raises("metrics|empty", function() client:queues { metrics = {} } end)
    raises("metrics", function() client:queues { metrics = true } end)
  end)

  it("is agents without metrics or summary", function()
    raises("agents: needs option `metrics` or `summary`", function() client:agents() end)
    raises("agents: needs option `metrics` or `summary`", function() client:agents {} end)
    raises("agents: needs option `metrics` or `summary`", function() client:agents { summary = false } end)
  end)

  it("is a value of the wrong kind", function()
    raises("summary|true or false", function() client:queues { summary = 1 } end)
    raises("totals|true or false", function() client:queues { totals = "yes" } end)
    raises("timezone|string", function() client:queues { timezone = 1 } end)
    raises("tenant|string", function() client:queues { tenant = 1 } end)
    raises("tenant|control", function() client:queues { tenant = "a\r\nX-Evil: 1" } end)
    raises("enabled_agents", function() client:agents_in_queue_groups { enabled_agents = "x" } end)
    raises("deadline", function() client:queues { deadline = 0 } end)
    raises("timeout", function() client:queue("101", { timeout = "1" }) end)
    raises("retries", function() client:queue("101", { retries = 1.5 }) end)
  end)

  it("is an id that is too long for a request, and says so", function()
    local long = ("x"):rep(9000)
    raises("queues: an id of 9000 bytes is too long", function() client:queues { queue_ids = { "1", long } } end)
    raises("queue: |id|9000 bytes|too long", function() client:queue(long) end)
    raises("queue_agent: |id|9000 bytes|too long", function() client:queue_agent("101", long) end)
    -- What counts is what is sent: three bytes for each of these.
    raises("queue: |id|3000 bytes|too long", function() client:queue(("/"):rep(3000)) end)
  end)

  it("is more metrics than fit into one request", function()
    local metrics = {}
    for i = 1, 1000 do
      metrics[i] = "metric.number" .. i
    end
    local text = raises("queues: |metrics", function() client:queues { metrics = metrics } end)
    assert.is_true(#text < 200)
    raises("timezone", function() client:queues { timezone = ("x"):rep(9000) } end)
  end)

  it("is a start page together with more ids than fit into one request", function()
    local ids = {}
    for i = 1, 2000 do
      ids[i] = "queue-number-" .. i
    end
    raises("page|requests", function() client:queues { queue_ids = ids, page = 1 } end)
    client:queues { queue_ids = ids }:close()
  end)

  it("is a call with a dot instead of a colon", function()
    for _, name in ipairs { "queues", "agents", "queue", "request", "agents_in_queue_groups", "close" } do
      raises(name .. ": |colon", function() client[name]() end)
      raises(name .. ": |colon", function() client[name] {} end)
      raises(name .. ": |colon", function() client[name]("101") end)
    end
  end)

  it("is a call after close", function()
    client:close()
    raises("queues: the client is closed", function() client:queues() end)
    raises("queue: the client is closed", function() client:queue("101") end)
    raises("request: the client is closed", function() client:request { path = "/" } end)
    client:close()
  end)
end)

describe("a usage error of request", function()
  local client
  setup(function() client = ccaas.new(options()) end)
  teardown(function() client:close() end)

  it("is a path that leaves the base address, or is missing", function()
    raises("path", function() client:request() end)
    raises("path", function() client:request {} end)
    for _, path in ipairs {
      "", "x", "https://evil.com/", "/..", "/../x", "/x/..", "/x/../y", "/./x", "/x/.", "/%2e%2e/x", "/%2E./x",
      "/.%2e", "/x/%2e/y", "/..%2fx", "/x%2f..%2fy", "/x?y=1", "/x#y", "\\\\evil.com", "/..\\x", "/x%5c..",
    } do
      raises("request: |path", function() client:request { path = path } end)
    end
    raises("path", function() client:request { path = 5 } end)
  end)

  it("is a malformed method", function()
    for _, method in ipairs { "GE T", "GET / HTTP/1.1\r\nX: ", "", "G\0", "GÉT" } do
      raises("request", function() client:request { path = "/", method = method } end)
    end
    raises("request", function() client:request { path = "/", method = 5 } end)
  end)

  it("is a query that cannot be sent", function()
    raises("request: |query", function() client:request { path = "/", query = 5 } end)
    raises("request: |query", function() client:request { path = "/", query = { "a=b" } } end)
    raises("request: |query", function() client:request { path = "/", query = { a = print } } end)
    raises("request: |query", function() client:request { path = "/", query = { a = { {} } } } end)
    raises("request: |query", function() client:request { path = "/", query = { [{}] = "b", a = "b" } } end)
  end)

  it("is a header that cannot be sent, or that is the library's own", function()
    for _, name in ipairs { "", "X Y", "X:", "X\r\nY", "\0", "É" } do
      raises("request", function() client:request { path = "/", headers = { [name] = "1" } } end)
    end
    for _, value in ipairs { "a\r\nb", "a\nb", "\0", "\127", {}, true } do
      raises("request: |X-Odd", function() client:request { path = "/", headers = { ["X-Odd"] = value } } end)
    end
    for _, name in ipairs {
      "Authorization", "host", "CONTENT-LENGTH", "Transfer-Encoding", "Connection", "Expect",
    } do
      raises("request: |" .. name, function() client:request { path = "/", headers = { [name] = "1" } } end)
    end
    raises("headers", function() client:request { path = "/", headers = "X: 1" } end)
    raises("request", function() client:request { path = "/", headers = { "X: 1" } } end)
  end)

  it("is a body that cannot be sent", function()
    raises("body", function() client:request { path = "/", body = 5 } end)
    raises("body", function() client:request { path = "/", body = print } end)
    raises("body", function() client:request { path = "/", body = { print } } end)
    raises("body", function() client:request { path = "/", body = { 0 / 0 } } end)
    raises("body", function() client:request { path = "/", body = { "\255" } } end)
    local circle = {}
    circle.circle = circle
    raises("body", function() client:request { path = "/", body = circle } end)
  end)

  it("is an idempotent that is not a boolean", function()
    raises("idempotent", function() client:request { path = "/", idempotent = 1 } end)
  end)
end)

describe("a usage error of a stream", function()
  local client, stream
  before_each(function()
    client = ccaas.new(options())
    stream = client:queues()
  end)
  after_each(function() client:close() end)

  it("is a wait that is not a number", function()
    raises("next: |seconds", function() stream:next("2") end)
    raises("next: |seconds", function() stream:next(0 / 0) end)
    raises("next: |seconds", function() stream:next({}) end)
  end)

  it("is a call with a dot instead of a colon", function()
    for _, name in ipairs { "next", "all", "pages", "each", "info", "close", "pollfd", "events", "timeout" } do
      raises(name .. ": |colon", function() stream[name]() end)
      raises(name .. ": |colon", function() stream[name](2) end)
      raises(name .. ": |colon", function() stream[name] {} end)
    end
  end)
end)
