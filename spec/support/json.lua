-- What the specs of the JSON reader share.
local assert = require "luassert"
local core = require "ccaas.core"

local json = {}

--- Decoding that text fails: the offset of the first wrong byte, and the reason.
function json.wrong(text, shape)
  local value, reason, offset = core.decode(text, shape)
  assert.is_nil(value)
  assert.is_string(reason)
  return offset, reason
end

--- The shape of 8x8's rows.
json.rows_shape = {
  map = "metrics", map_key = "key", map_value = "value",
  rename = { { "groupId", "group_id" }, { "groupName", "group_name" } },
  identity = { "id" },
}

--- A repeatable sequence of numbers from 0 to `most` - 1.
function json.random(seed)
  return function(most)
    seed = (seed * 16807) % 2147483647
    return seed % most
  end
end

return json
