-- What a misspelt name was probably meant to be.
local nearest = require "ccaas.nearest"

describe("the nearest name", function()
  local known = { concurrency = 1, timeout = 1, tls = 1, page = 1 }

  it("is up to three letters away, in whatever case", function()
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

  it("is the first one by name, where several are as near", function()
    assert.equal("pageb", nearest("page", { pagef = 1, pagec = 1, pageb = 1, paged = 1 }))
  end)
end)
