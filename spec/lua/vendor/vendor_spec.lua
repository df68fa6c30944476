-- A vendor is a folder: one that only this spec has gets all that the others have.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"

package.path = helper.top .. "/spec/support/vendors/?.lua;" .. package.path

local function answer(rows, headers, status)
  return server.answer("[" .. table.concat(rows, ",") .. "]", { headers = headers, status = status })
end

-- One page of 120 teams, with this vendor's parameters and headers.
local function page_of_teams(request)
  local page, size = tonumber(request.query.p), tonumber(request.query.n)
  local rows = {}
  for i = page * size + 1, math.min(120, (page + 1) * size) do
    rows[#rows + 1] = ('{"id":"%d","teamName":"Team %d"}'):format(i, i)
  end
  return answer(rows, { at = page, each = size, pages = math.ceil(120 / size), rows = 120 })
end

local function acme(handler, options)
  local s = server.start(handler)
  local given = { provider = "acme", token = "T0ken", base_url = s.url .. "/api/", loop = s.loop }
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return ccaas.new(given), s
end

describe("a vendor that is one folder", function()
  it("has its lists as streams, page by page", function()
    local client, s = acme(page_of_teams)
    local stream, count = client:teams { skill = { "7", "8" }, active = true }, 0
    for team in stream do
      count = count + 1
      assert.same({ id = tostring(count), name = "Team " .. count }, team)
    end
    assert.equal(120, count)
    assert.equal(120, stream:info().total)
    assert.equal(3, #s.requests)
    local request = s.requests[1]
    assert.equal("/api/teams", request.path)
    assert.equal("Bearer T0ken", request.headers.authorization)
    assert.same({ "50", "7,8", "true" }, { request.query.n, request.query.withSkill, request.query.active })
  end)

  it("has its retries", function()
    local failed = false
    local client = acme(function(request)
      if request.query.p == "1" and not failed then
        failed = true
        return server.status(503, { ["Retry-After"] = 0 })
      end
      return page_of_teams(request)
    end)
    assert.equal(120, #assert(client:teams():all()))
    assert.is_true(failed)
  end)

  it("has its errors, in its own words", function()
    local client = acme(function()
      return server.answer('{"why":"no such team","trace":"r-1"}', { status = 404 })
    end)
    local team, err = client:team "none"
    assert.is_nil(team)
    assert.same({ "acme", "not_found", "r-1" }, { err.provider, err.code, err.request_id })
    assert.is_truthy(err.message:find("no such team", 1, true))
  end)

  it("knows by its codes that requests come too fast", function()
    local client = acme(function()
      return server.answer('{"number":"slow.down"}', { status = 500 })
    end, { retries = 0 })
    assert.equal("rate_limited", select(2, client:team "1").code)
  end)

  it("has a kind of result that only it has", function()
    local client, s = acme(function() return server.answer('{"teams":120}') end)
    assert.equal(120, client:team_count { skill = "7" })
    assert.equal("/api/teams/count?withSkill=7", s.requests[1].target)
  end)

  it("asks its token function again after a 401", function()
    local client, s = acme(function(request)
      return request.headers.authorization == "Bearer new" and answer { '{"id":"1"}' } or server.status(401)
    end, { token = function(reason) return reason == "refused" and "new" or "old" end })
    assert.same({ id = "1" }, assert(client:team "1"))
    assert.equal(2, #s.requests)
  end)

  it("has its options checked", function()
    local client = acme(page_of_teams)
    for wanted, call in pairs {
      ["unknown option `skil`; did you mean \"skill\"?"] = function() client:teams { skil = { "1" } } end,
      ["option `active` must be true or false"] = function() client:teams { active = 1 } end,
      ["option `size` must be a whole number from 1 to 50"] = function() client:teams { size = 51 } end,
      ["unknown option `tenant`"] = function() client:teams { tenant = "x" } end,
      ["needs option `token` (with acme)"] = function() ccaas.new { provider = "acme" } end,
      ["needs option `host` (with acme), like \"calls.acme.test\""] = function()
        ccaas.new { provider = "acme", token = "t" }
      end,
      ["unknown option `key`"] = function() ccaas.new { provider = "acme", token = "t", key = "k" } end,
    } do
      local fine, err = pcall(call)
      assert.is_false(fine)
      assert.is_truthy(err:find(wanted, 1, true), err)
      assert.is_truthy(err:find("vendor_spec.lua:", 1, true), err)
    end
  end)

  it("is not looked for by a name that is no folder", function()
    for _, name in ipairs { "nobody", "../acme", "acme.description", "", "8x9" } do
      local fine, err = pcall(ccaas.new, { provider = name })
      assert.is_false(fine)
      assert.is_truthy(err:find("unknown provider", 1, true), err)
    end
  end)
end)
