--- Building addresses: percent-encoding, queries, origins.

local text = require "ccaas.text"

local uri = {}

local function encode_byte(byte)
  return string.format("%%%02X", byte:byte())
end

--- Percent-encodes everything but the unreserved characters of RFC 3986.
---@param bytes string
---@return string
function uri.encode(bytes)
  return (bytes:gsub("[^A-Za-z0-9%-%._~]", encode_byte))
end

--- Percent-encodes what may not stand in a path; "/" and what is encoded
--- already stay.
---@param path string
---@return string
function uri.encode_path(path)
  path = path:gsub("%%(%x?%x?)", function(hex)
    return #hex < 2 and "%25" .. hex or nil
  end)
  return (path:gsub("[^A-Za-z0-9%-%._~!$&'()*+,;=:@/%%]", encode_byte))
end

--- Does a path lead out of the folder it begins in, or say so with dots?  What
--- servers do to it first is done here too: decoding, and "\\" taken for "/".
---@param path string
---@return boolean
function uri.has_dots(path)
  local plain = path:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return ("/" .. plain:gsub("\\", "/") .. "/"):find("/%.%.?/") ~= nil
end

--- The query string (without "?") of a list of { name, value }.
---@param pairs_list string[][]
---@return string
function uri.query(pairs_list)
  local parts = {}
  for i, pair in ipairs(pairs_list) do
    parts[i] = uri.encode(pair[1]) .. "=" .. uri.encode(pair[2])
  end
  return table.concat(parts, "&")
end

---@class ccaas.Origin
---@field scheme string "http" or "https"
---@field host string without brackets, in lower case
---@field path string with no slash at its end

--- Takes an address apart; nil and a reason when it is none that this library
--- can use.
---@param address string
---@return ccaas.Origin|nil
---@return string|nil reason
function uri.parse(address)
  local scheme, authority, path = address:match("^([A-Za-z]+)://([^/?#]*)([^?#]*)$")
  if not scheme then
    return nil, "it is not of the form https://host/path (no query)"
  end
  scheme = text.lower(scheme)
  if scheme ~= "http" and scheme ~= "https" then
    return nil, "its scheme is neither https nor http"
  end
  if authority:find("@", 1, true) then
    return nil, "it has a user name in it"
  end
  if address:find("[^A-Za-z0-9%-%._~!$&'()*+,;=:@/%%%[%]]") then
    return nil, "it has spaces or other characters that an address cannot have"
  end
  local host = authority:match("^%[([%x:%.]+)%]$")
    or authority:match("^%[([%x:%.]+)%]:%d+$")
    or authority:match("^([A-Za-z0-9%-%._]+)$")
    or authority:match("^([A-Za-z0-9%-%._]+):%d+$")
  if not host then
    return nil, "its host is not valid"
  end
  local port = authority:match(":(%d+)$")
  if port and (tonumber(port) < 1 or tonumber(port) > 65535) then
    return nil, "its port is not valid"
  end
  return { scheme = scheme, host = text.lower(host), path = (path:gsub("/+$", "")) }
end

--- Is this a name or number of this machine itself?
---@param host string
---@return boolean
function uri.is_loopback(host)
  local second, third, fourth = host:match("^127%.(%d+)%.(%d+)%.(%d+)$")
  return host == "localhost" or host == "::1"
    or second ~= nil and math.max(tonumber(second), tonumber(third), tonumber(fourth)) <= 255
end

return uri
