-- How the specs of options see what usage errors raise.
local assert = require "luassert"

local usage = {}

--- Options of a client, with these in addition.
function usage.options(overrides)
  local all = { provider = "8x8", key = "key", secret = "secret", base_url = "http://127.0.0.1:9" }
  for name, value in pairs(overrides or {}) do
    all[name] = value
  end
  return all
end

--- `f` raises a message at a line of its own that has all these words in it.
function usage.raises(words, f)
  local ok, message = pcall(f)
  assert.is_false(ok, "nothing was raised")
  assert.is_string(message)
  local file, line, text = message:match("([%w_]+%.lua):(%d+): (.*)$")
  local info = debug.getinfo(f, "S")
  assert.equal(info.source:match("[^/]+$"), file, message)
  line = tonumber(line)
  assert.is_true(line >= info.linedefined and line <= info.lastlinedefined, message)
  for word in words:gmatch("[^|]+") do
    assert.is_truthy(text:find(word, 1, true), ("%q lacks %q"):format(text, word))
  end
  return text
end

return usage
