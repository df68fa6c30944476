-- What a misspelt name was probably meant to be.
local nearest = require("ccaas.usage_error").nearest

describe("the nearest name", function()
  local known = { concurrency = 1, timeout = 1, tls = 1, page = 1 }

  it("is up to three letters away, in any case", function()
    assert.equal("timeout", nearest("time_out", known))
    assert.equal("timeout", nearest("TIMOUT", known))
    assert.equal("concurrency", nearest("concurency", known))
    assert.is_nil(nearest("timekeepers", known))
  end)

  it("has something in common with what was written", function()
    assert.is_nil(nearest("s", known))
    assert.is_nil(nearest("xyz", known))
    assert.is_nil(nearest("", known))
    assert.is_nil(nearest(1, known))
  end)

  -- Any two short names are near: "uk" was answered by "us".
  it("for short names differs only in case or at an end", function()
    local regions = { us = 1, eu = 1, au = 1, ca = 1 }
    for _, name in ipairs { "uk", "de", "u", "", "s", "su" } do
      assert.is_nil(nearest(name, regions), name)
    end
    assert.equal("us", nearest("US", regions))
    assert.equal("us", nearest("us-east", regions))
    assert.equal("key", nearest("keys", { key = 1, secret = 1 }))
    assert.is_nil(nearest("size", { page = 1 }))
  end)

  it("is the first in the alphabet if several are equally near", function()
    assert.equal("pageb", nearest("page", { pagef = 1, pagec = 1, pageb = 1, paged = 1 }))
  end)
end)
