-- examples/wallboard: how many columns a text takes on its screen.
local helper = require "spec.support.helper"
local wallboard = require "spec.support.wallboard"

local screen = wallboard.screen

describe("the wallboard's screen", function()
  local texts = { "plain", "Zoë Ångström", "山田 太郎", "김민준", "अनिता शर्मा", "สมชาย ใจดี", "Ngô Thị Hương",
    "שירה כהן", "عمر الفاروق", "VIP ⭐ 🎧", "Emoji 😀 💻", "e\204\129", "ＡＢ", "…", "" }

  it("counts columns as the C library does", function()
    local names = dofile(helper.top .. "/lua/ccaas/sandbox/names.lua")
    for _, list in pairs(names) do
      for _, name in ipairs(list) do
        texts[#texts + 1] = name
      end
    end
    for _, text in ipairs(texts) do
      local _, output = helper.run("printf %s " .. helper.quote(text) .. " | LC_ALL=C.UTF-8 wc -L")
      assert.equal(tonumber(output:match("%d+")), select(2, screen.cut(text, 1000)), text)
    end
  end)

  it("cuts between characters, to exactly so many columns", function()
    assert.equal("山田…", (screen.cut("山田 太郎", 5)))
    assert.equal("山… ", screen.fit("山田 太郎", 4))
    assert.equal("山田", (screen.cut("山田", 4)))
    assert.equal("e\204\129e\204\129…", (screen.cut("e\204\129e\204\129e\204\129e", 3)))
    assert.equal("", (screen.cut("abc", 0)))
    assert.equal("…", (screen.cut("山", 1)))
    assert.equal("   ab", screen.fit("ab", 5, true))
    for _, text in ipairs(texts) do
      for columns = 0, 20 do
        local _, width = screen.cut(text, columns)
        assert.is_true(width <= columns)
        assert.equal(columns, select(2, screen.cut(screen.fit(text, columns), 1000)), text)
      end
    end
  end)

  it("lets no control character of a name through", function()
    assert.equal("a?[2Jb??", (screen.cut("a\27[2Jb\n\194\155", 80)))
  end)
end)
