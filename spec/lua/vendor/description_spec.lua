-- A vendor's description is checked when it is loaded: what is wrong is named.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"
local vendors = require "ccaas.vendor"

package.path = helper.top .. "/spec/support/vendors/?.lua;" .. package.path

-- A new description that is right.
local function description()
  return dofile(helper.top .. "/spec/support/vendors/ccaas/vendor/acme/description.lua")
end

-- Puts `value` where the path leads, and gives what is wrong then.
local function fault(path, value)
  local given = description()
  local at, last = given, nil
  for word in path:gmatch("[^.]+") do
    at, last = last and at[last] or at, tonumber(word) or word
  end
  at[last] = value
  local fine, reason = pcall(vendors.check, given, "acme")
  return not fine and reason:gsub("^the description of vendor \"acme\"", "") or nil
end

describe("a description", function()
  it("that is right is taken as it is", function()
    local given = description()
    assert.equal(given, vendors.check(given, "acme"))
    for _, name in ipairs(require "ccaas.vendor.list") do
      assert.is_table(vendors.check(require("ccaas.vendor." .. name .. ".description"), name))
    end
  end)

  local wrong = {
    -- a word that is not known, at each depth
    { "acept", "x", ': unknown word `acept`; did you mean "accept"?' },
    { "address.hosts", "x", '.address: unknown word `hosts`; did you mean "host"?' },
    { "paging.maximum", 9, ".paging: unknown word `maximum` (known: headers, kind, most, page, size)" },
    { "dialect.message", {}, '.dialect: unknown word `message`; did you mean "messages"?' },
    { "methods.teams.total", "x", '.methods.teams: unknown word `total`; did you mean "totals"?' },
    { "methods.teams.shape", { identitty = {} },
      '.methods.teams.shape: unknown word `identitty`; did you mean "identity"?' },
    { "options.token.neded", true, '.options.token: unknown word `neded`; did you mean "needed"?' },
    -- a word of another kind of result
    { "methods.teams.member", "x", ".methods.teams: unknown word `member`" },
    -- a value that is not known
    { "auth.kind", "bearar", '.auth.kind has the unknown value `bearar`; did you mean "bearer"?' },
    { "paging.kind", "cursor", ".paging.kind has the unknown value `cursor` (known: page_number)" },
    { "parameters.skill", { "withSkill", "idz" },
      ".parameters.skill[2] has the unknown value `idz`" },
    { "options.host.check", "texd", '.options.host.check has the unknown value `texd`; did you mean "text"?' },
    { "methods.team.result", "rwo", ".methods.team.result has the unknown value `rwo`" },
    { "methods.teams.takes", { "skills" },
      '.methods.teams.takes has the unknown value `skills`; did you mean "skill"?' },
    { "methods.teams.needs", { "limit" }, ".methods.teams.needs has the unknown value `limit`" },
    { "methods.teams.first", "limit", ".methods.teams.first has the unknown value `limit`" },
    { "name", "acne", '.name has the unknown value `acne`; did you mean "acme"?' },
    -- a value of another type
    { "accept", 1, ".accept must be a string, not a number" },
    { "methods", "x", ".methods must be a table, not a string" },
    { "methods.team", "x", ".methods.team must be a table, not a string" },
    { "paging.most", "50", ".paging.most must be a number, not a string" },
    { "dialect.codes.2", 5, ".dialect.codes[2] must be a string, not a number" },
    { "dialect.codes", { x = "y" }, ".dialect.codes must be a list" },
    { "parameters.1", { "x", "text" }, ".parameters must have names only, not 1" },
    { "methods.teams.path", "tickets", ".methods.teams.path must be a string that begins with a slash" },
    { "methods.team.path", "/x/{Id}", ".methods.team.path may have ids like {queue}, in small letters" },
    -- C reads four headers, whatever the list has
    { "paging.headers", { "a", "b", "c" }, ".paging.headers must have 4 items, not 3" },
    -- what is missing
    { "accept", nil, ": `accept` is missing" },
    { "paging", nil, ".methods.teams gives pages, so the description needs `paging`" },
    { "options.token", nil, '.options needs `token`, as auth.kind is "bearer"' },
    { "address.host", nil, ".address needs one of `url`, `host` and `regions`" },
    { "address.host", "https://x", ".address.host needs `%s`" },
    { "address.regions", { us = "https://x" }, ".address.regions needs a `region` and a `version`" },
    -- what would hide a method that all clients have
    { "methods.close", { path = "/x", takes = {}, result = "row" }, ".methods: the name `close` is taken" },
  }
  for i, one in ipairs(wrong) do
    it(("with a fault in it is an error that names it: %d, %s"):format(i, one[1]), function()
      local reason = fault(one[1], one[2])
      assert.is_string(reason, "there is no error")
      assert.equal(one[3], reason:sub(1, #one[3]))
    end)
  end

  it("that is wrong raises at the line of ccaas.new, each time", function()
    package.preload["ccaas.vendor.wrong.description"] = function() return { name = "wrong" } end
    for _ = 1, 2 do
      local fine, reason = pcall(function() ccaas.new { provider = "wrong" } end)
      assert.is_false(fine)
      assert.is_truthy(reason:find("description_spec.lua:", 1, true), reason)
      assert.is_truthy(reason:find('ccaas.new: the description of vendor "wrong": `', 1, true), reason)
    end
  end)

  it("that cannot be read is not an unknown provider", function()
    package.preload["ccaas.vendor.broken.description"] = function() error("broken in line 7", 0) end
    local fine, reason = pcall(ccaas.new, { provider = "broken" })
    assert.is_false(fine)
    assert.is_truthy(reason:find("broken in line 7", 1, true), reason)
  end)

  it("is not looked for under names that are no folder's", function()
    for _, name in ipairs { "../acme", "acme.description", "", "a b" } do
      local fine, reason = pcall(ccaas.new, { provider = name })
      assert.is_false(fine)
      assert.is_truthy(reason:find("ccaas.new: unknown provider ", 1, true), reason)
    end
  end)
end)
