-- What goes wrong in the sandbox on purpose.

local cjson = require "cjson"
local plain = require "spec.support.http_client"

local start, connect, read_head, read_answer, request_text, ask, bearer,
  get, seconds, API, TOKEN =
  plain.start, plain.connect, plain.read_head, plain.read_answer,
  plain.request_text, plain.ask, plain.bearer, plain.get, plain.seconds,
  plain.API, plain.TOKEN

describe("the sandbox's", function()
  after_each(plain.stop_all)

  describe("faults", function()
    it("strike so many times, then no more", function()
      local sb = start()
      sb:fault { path = "/queues", status = 503, times = 2 }
      assert.equal(503, get(sb, "/queues").status)
      assert.equal(200, get(sb, "/groups").status)
      assert.equal(503, get(sb, "/queues").status)
      assert.equal(200, get(sb, "/queues").status)
    end)

    it("can spare the first, strike one page, and last for ever", function()
      local sb = start()
      sb:fault { path = "/groups", status = 500, after = 2 }
      local statuses = {}
      for i = 1, 4 do
        statuses[i] = get(sb, "/groups").status
      end
      assert.same({ 200, 200, 500, 200 }, statuses)
      sb:fault { path = "/queues", page = 1, status = 500, times = math.huge }
      for _ = 1, 3 do
        assert.equal(500, get(sb, "/queues?size=2&page=1").status)
        assert.equal(200, get(sb, "/queues?size=2&page=2").status)
      end
      sb:clear_faults()
      assert.equal(200, get(sb, "/queues?size=2&page=1").status)
    end)

    it("match their path below the base, as a whole, or by its start", function()
      local sb = start()
      bearer(sb)
      for fault, asked in pairs {
        ["/queues/101"] = API .. "/queues/101", [TOKEN] = TOKEN,
        [API .. "/groups"] = API .. "/groups", ["/queues/*"] = API
          .. "/queues/102/agents", ["/queues/a/b"] = API .. "/queues/a%2Fb",
      } do
        sb:fault { path = fault, status = 599 }
        assert.equal(200, get(sb, "/queues").status)
        assert.equal(599, ask(sb, "GET", asked).status)
      end
    end)

    it("speak the dialect of the part that would answer", function()
      local sb = start()
      local function body_of(fault)
        fault.path = fault.path or "/queues"
        sb:fault(fault)
        return cjson.decode(ask(sb, "GET", fault.path == TOKEN and TOKEN
          or API .. "/queues").body)
      end
      for _, status in ipairs { 401, 429, 500, 503 } do
        assert.is_truthy(body_of({ status = status }).fault.detail.errorcode)
      end
      assert.is_truthy(body_of({ status = 400 }).message)
      assert.is_truthy(body_of({ path = TOKEN, status = 401 }).ErrorCode)
      local failure = body_of { status = 500, dialect = "service" }
      assert.is_truthy(failure.message)
      assert.equal("table", type(failure.errors))
      assert.is_truthy(failure.referenceId)
      local code = "policies.ratelimit.SpikeArrestViolation"
      assert.equal(code,
        body_of({ status = 500, code = code }).fault.detail.errorcode)
      assert.equal("tired",
        body_of({ status = 503, message = "tired" }).fault.faultstring)
    end)

    it("have bodies and headers of their own", function()
      local sb = start()
      sb:fault { path = "/queues", status = 429, body = "slow down\0",
        headers = { ["Retry-After"] = "7", ["content-type"] = "text/plain" } }
      local answer = get(sb, "/queues")
      assert.equal(429, answer.status)
      assert.equal("slow down\0", answer.body)
      assert.equal("7", answer.headers["retry-after"])
      assert.equal("text/plain", answer.headers["content-type"])
    end)

    it("replace and remove headers of the usual answer", function()
      local sb = start()
      local usual = get(sb, "/queues")
      sb:fault { path = "/queues",
        headers = { ["x-total-pages"] = "7", ["X-Page"] = false } }
      local answer = get(sb, "/queues")
      assert.is_true(usual.body == answer.body)
      assert.equal("7", answer.headers["x-total-pages"])
      assert.is_nil(answer.headers["x-page"])
      assert.same(usual.headers, get(sb, "/queues").headers)
    end)

    -- What comes after a reset cannot be sent; after an orderly end it can.
    local function was_reset(conn)
      return conn:send("x") == nil
    end

    for _, tls in ipairs { false, true } do
      local over = tls and " over TLS" or ""

      it("reset connections" .. over, function()
        local sb = start { agents = 5, tls = tls }
        sb:fault { reset = true }
        local conn = connect(sb)
        conn:send(request_text("GET", "/"))
        assert.is_nil((conn:receive(1)))
        assert.is_true(was_reset(conn))
        conn:close()
      end)

      it("cut bodies short" .. over, function()
        local sb = start { agents = 5, tls = tls }
        local body = ("0123456789"):rep(50000)
        for _, reset in ipairs { false, true } do
          sb:fault { body = body, truncate = 333333, reset = reset }
          local conn = connect(sb)
          conn:send(request_text("GET", "/"))
          local answer = read_answer(conn)
          assert.equal(tostring(#body), answer.headers["content-length"])
          assert.is_truthy(answer.cut)
          assert.equal(body:sub(1, 333333), answer.body)
          if not tls then
            assert.equal(reset, was_reset(conn))
          end
          conn:close()
        end
      end)
    end

    it("cut bodies in good framing", function()
      local sb = start()
      sb:fault { path = "/queues", truncate = 10, clean = true }
      local conn = connect(sb)
      local text = request_text("GET", API .. "/queues",
        { Authorization = bearer(sb) })
      conn:send(text .. text)
      local answer = read_answer(conn)
      assert.equal("10", answer.headers["content-length"])
      assert.equal('[{"id":"10', answer.body)
      assert.is_true(#read_answer(conn).body > 10)
      conn:close()
    end)

    it("cut a chunked body before its end", function()
      local sb = start()
      sb:fault { body = ("x"):rep(100), chunked = true, truncate = 50 }
      local conn = connect(sb)
      conn:send(request_text("GET", "/"))
      assert.equal("chunked", read_head(conn).headers["transfer-encoding"])
      local all, err, partial = conn:receive("*a")
      assert.equal("64\r\n" .. ("x"):rep(46), all or partial)
      assert.is_nil(all and err)
      conn:close()
    end)

    it("hang, and do not hold up other requests", function()
      local sb = start()
      sb:fault { path = "/queues", hang = true }
      local conn = connect(sb)
      conn:send(request_text("GET", API .. "/queues",
        { Authorization = bearer(sb) }))
      conn:settimeout(0.1)
      assert.equal("timeout", (select(2, conn:receive(1))))
      assert.equal(200, get(sb, "/queues").status)
      conn:close()
    end)

    it("delay the first byte, and do not hold up other requests", function()
      local sb = start()
      bearer(sb)
      sb:fault { path = "/queues", delay = 2 }
      local slow = connect(sb)
      local took = seconds(function()
        slow:send(request_text("GET", API .. "/queues",
          { Authorization = bearer(sb) }))
        local quick = seconds(function()
          assert.equal(200, get(sb, "/groups").status)
        end)
        assert.is_true(quick < 1.5)
        assert.equal(200, read_answer(slow).status)
      end)
      assert.is_true(took >= 1.95)
      slow:close()
    end)

    it("let bodies drip", function()
      local sb = start()
      sb:fault { body = "0123456789", drip = 0.02 }
      local took = seconds(function()
        assert.equal("0123456789", ask(sb, "GET", "/").body)
      end)
      assert.is_true(took >= 0.17)
      sb:fault { body = "0123456789", drip = 1, piece = 5 }
      local conn = connect(sb)
      conn:send(request_text("GET", "/"))
      read_head(conn)
      assert.equal("01234", conn:receive(5))
      conn:settimeout(0)
      assert.equal("timeout", (select(2, conn:receive(1))))
      conn:settimeout(5)
      assert.equal("56789", conn:receive(5))
      conn:close()
    end)

    it("change the world just before an answer", function()
      local sb = start { agents = 20 }
      local path = "/agents?summary=true&size=10&page="
      sb:fault { path = "/agents", page = 1, set = { agents = 10 } }
      assert.equal(10, #get(sb, path .. 0).json)
      assert.equal(400, get(sb, path .. 1).status)
    end)
  end)
end)
