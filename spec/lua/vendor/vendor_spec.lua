-- A vendor is a folder: one that only this spec has gets all that the others have,
-- and a description that is wrong is refused when it is loaded.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local server = require "spec.support.server"
local vendors = require "ccaas.vendor"

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

describe("a description that is wrong is refused, and what is wrong is named:", function()
  -- A copy, with one thing changed.
  local function changed(change)
    local function copy(value)
      if type(value) ~= "table" then
        return value
      end
      local new = {}
      for name, inner in pairs(value) do
        new[name] = copy(inner)
      end
      return new
    end
    local description = copy(require "ccaas.vendor.acme.description")
    change(description)
    return description
  end

  for wanted, change in pairs {
    ['unknown word `pageing`; did you mean "paging"?'] = function(d) d.pageing = {} end,
    ["`auth` is missing"] = function(d) d.auth = nil end,
    ["accept must be a string, not a number"] = function(d) d.accept = 1 end,
    ['auth.kind has the unknown value basic'] = function(d) d.auth.kind = "basic" end,
    ['options.host.check has the unknown value texts; did you mean "text"?'] = function(d)
      d.options.host.check = "texts"
    end,
    ['has the name "other"'] = function(d) d.name = "other" end,
    [".address needs `url`, `host`, or `regions`"] = function(d) d.address = {} end,
    ['acme.methods.teams: unknown word `take`; did you mean "takes"?'] = function(d) d.methods.teams.take = {} end,
    ['acme.methods.team: unknown result `rows_`; did you mean "rows"?'] = function(d)
      d.methods.team.result = "rows_"
    end,
    ["acme.methods.teams: `takes` has `skills`, which is not in `parameters`"] = function(d)
      d.methods.teams.takes = { "skills" }
    end,
    ["shape.identity.1 must be a string, not a boolean"] = function(d) d.methods.teams.shape.identity = { true } end,
    ["parameters.skill: kind is not a place in a list"] = function(d) d.parameters.skill = { kind = "ids" } end,
    ["method `teams` gives pages, so `paging` is needed"] = function(d) d.paging = nil end,
  } do
    it(wanted, function()
      local fine, err = pcall(vendors.check, changed(change), "acme")
      assert.is_false(fine)
      assert.is_truthy(err:find(wanted, 1, true), err)
    end)
  end

  it("and those of the library are right", function()
    for _, name in ipairs(require "ccaas.vendor.list") do
      assert.equal(name, vendors.check(require("ccaas.vendor." .. name .. ".description"), name).name)
    end
  end)
end)

-- A fact of one vendor in generic code is found by nobody who adds another one.
describe("a vendor's name", function()
  local function lines_of(folder, pattern)
    local _, said = helper.run(("cd %s && grep -rniE '%s' %s --include=*.[ch] --include=*.lua"):format(
      helper.quote(helper.top), pattern, folder))
    local found = {}
    for line in said:gmatch("[^\n]+") do
      if not (line:find("^lua/ccaas/vendor/") or line:find("^lua/ccaas/sandbox") or line:find("^src/sandbox/")) then
        found[#found + 1] = line
      end
    end
    return found, said
  end

  -- Hosts, paths, closing codes and headers of theirs count, too.
  local words = "8x8|xima|historic-data|realtime-metric|X-Tenant-Info|auth_token|400[13]|440[13]"

  it("stands in its folder and in the sandbox alone", function()
    local found, said = lines_of("lua src", words)
    assert.same({}, found)
    assert.is_truthy(said:find("lua/ccaas/vendor/8x8/", 1, true)) -- the search works
  end)
end)
