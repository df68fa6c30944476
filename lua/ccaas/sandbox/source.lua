--- Bodies that are made while they are sent.  A source is a function that gives
-- the next bytes, and nil after the last ones.  Pure.

local source = {}

--- A source of the bytes before the n-th.
---@param from fun(): string?
---@param n integer
---@return fun(): string?
function source.cut(from, n)
  return function()
    local bytes = n > 0 and from() or nil
    if bytes then
      bytes = bytes:sub(1, n)
      n = n - #bytes
    end
    return bytes
  end
end

--- The same bytes, in pieces of that size.
---@param from fun(): string?
---@param size integer
---@return fun(): string?
function source.pieces(from, size)
  local bytes, at = "", 1
  return function()
    while at > #bytes do
      bytes, at = from(), 1
      if not bytes then
        from, bytes = function() end, ""
        return nil
      end
    end
    local piece = bytes:sub(at, at + size - 1)
    at = at + size
    return piece
  end
end

--- Some bytes with the lowest bit of one of them turned over.
---@param bytes string
---@param offset integer of that byte, from 0; elsewhere nothing happens
---@return string
function source.flipped(bytes, offset)
  local byte = bytes:byte(offset + 1)
  if not byte then
    return bytes
  end
  local turned = byte % 2 == 0 and byte + 1 or byte - 1
  return bytes:sub(1, offset) .. string.char(turned) .. bytes:sub(offset + 2)
end

--- The same bytes, the lowest bit of one of them turned over.
---@param from fun(): string?
---@param offset integer
---@return fun(): string?
function source.flip(from, offset)
  return function()
    local bytes = from()
    if bytes and offset >= 0 then
      local size = #bytes
      bytes = source.flipped(bytes, offset)
      offset = offset - size
    end
    return bytes
  end
end

--- The same bytes, compressed.
---@param from fun(): string?
---@param compress fun(bytes?: string): string nil for the end
---@return fun(): string?
function source.compressed(from, compress)
  local ended = false
  return function()
    local out = ""
    while out == "" and not ended do
      local bytes = from()
      ended = bytes == nil
      out = compress(bytes)
    end
    return out ~= "" and out or nil
  end
end

--- The same bytes in chunked coding.
---@param from fun(): string?
---@return fun(): string?
function source.chunked(from)
  local ended = false
  return function()
    local bytes = not ended and from()
    while bytes == "" do
      bytes = from()
    end
    if bytes then
      return ("%x\r\n"):format(#bytes) .. bytes .. "\r\n"
    elseif not ended then
      ended = true
      return "0\r\n\r\n"
    end
  end
end

return source
