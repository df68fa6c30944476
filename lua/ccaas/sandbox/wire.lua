--- Values as bytes, for what passes between a script's Lua state and the
-- sandbox's: nil, booleans, numbers, strings of any bytes, and tables of
-- those.  Pure.

local letters = require "ccaas.text"

local wire = {}

local packers = {}

local function pack_into(out, value)
  local packer = packers[type(value)]
  if not packer then
    error("cannot pass a " .. type(value) .. " to the sandbox", 0)
  end
  packer(out, value)
end

packers["nil"] = function(out)
  out[#out + 1] = "z"
end

packers.boolean = function(out, value)
  out[#out + 1] = value and "t" or "f"
end

packers.number = function(out, value)
  if math.type and math.type(value) == "integer" then
    out[#out + 1] = string.format("i%d;", value)
  elseif value == math.huge then
    out[#out + 1] = "h"
  elseif value ~= value or value == -math.huge then
    error("cannot pass " .. value .. " to the sandbox", 0)
  else
    out[#out + 1] = "n" .. letters.number(value) .. ";"
  end
end

packers.string = function(out, value)
  out[#out + 1] = "s" .. #value .. ":"
  out[#out + 1] = value
end

packers.table = function(out, value)
  out[#out + 1] = "{"
  for k, v in pairs(value) do
    pack_into(out, k)
    pack_into(out, v)
  end
  out[#out + 1] = "}"
end

---@param value any
---@return string
function wire.pack(value)
  local out = {}
  pack_into(out, value)
  return table.concat(out)
end

local to_integer = math.tointeger or tonumber
local readers = {}

local function read(bytes, at)
  return readers[bytes:sub(at, at)](bytes, at + 1)
end

function readers.z(_, at)
  return nil, at
end

function readers.t(_, at)
  return true, at
end

function readers.f(_, at)
  return false, at
end

function readers.h(_, at)
  return math.huge, at
end

function readers.i(bytes, at)
  local stop = bytes:find(";", at, true)
  return to_integer(tonumber(bytes:sub(at, stop - 1))), stop + 1
end

function readers.n(bytes, at)
  local stop = bytes:find(";", at, true)
  return tonumber(bytes:sub(at, stop - 1)) + 0.0, stop + 1
end

function readers.s(bytes, at)
  local stop = bytes:find(":", at, true)
  local size = tonumber(bytes:sub(at, stop - 1))
  return bytes:sub(stop + 1, stop + size), stop + size + 1
end

readers["{"] = function(bytes, at)
  local value = {}
  while bytes:sub(at, at) ~= "}" do
    local k, v
    k, at = read(bytes, at)
    v, at = read(bytes, at)
    value[k] = v
  end
  return value, at + 1
end

---@param bytes string what `pack` gave
---@return any
function wire.unpack(bytes)
  return (read(bytes, 1))
end

return wire
