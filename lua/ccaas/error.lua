--- Errors: tables with a code, printed on one line.

local core = require "ccaas.core"

---@alias ccaas.Code
---| "auth"
---| "forbidden"
---| "bad_request"
---| "not_found"
---| "rate_limited"
---| "egress_capped"
---| "server"
---| "timeout"
---| "dns"
---| "connect"
---| "tls"
---| "network"
---| "protocol"
---| "too_large"
---| "cancelled"
---| "io"
---| "memory"

---@class ccaas.Error
---@field code ccaas.Code
---@field message string what went wrong, in words
---@field provider string
---@field method? string
---@field url? string without query
---@field status? integer HTTP status, where one came
---@field request_id? string the server's number for this failure
---@field retryable boolean the same call may well succeed later
---@field retry_after? number seconds that the server asked for
---@field attempts { at: number, seconds: number, outcome: string }[]
---@field body? string the answer's first 512 bytes, scrubbed; the one field that may hold any bytes
local Error = {}
Error.__name = "ccaas.Error"

function Error:__tostring()
  local parts = { string.format("%s: %s: %s", self.provider, self.code, self.message) }
  if self.method and self.url then
    parts[#parts + 1] = string.format("(%s %s)", self.method, self.url)
  end
  if self.status then
    parts[#parts + 1] = "status " .. self.status
  end
  local attempts = 0
  for _, attempt in ipairs(self.attempts or {}) do
    attempts = attempts + (attempt.outcome == "202" and 0 or 1) -- not ready yet: that is no failure
  end
  if attempts > 1 then
    parts[#parts + 1] = attempts .. " attempts"
  end
  return table.concat(parts, " ")
end

local errors = {}

--- Makes an error of a table of its fields.  Its message is made fit to be shown.
---@param fields table
---@param provider string
---@return ccaas.Error
function errors.new(fields, provider)
  fields.provider = provider
  -- None is without these: what lacks them is a fault of ours, told as such.
  fields.code = fields.code or "io"
  fields.message = fields.message or "it failed for an unknown reason: please report it"
  fields.message = core.show(tostring(fields.message))
  fields.attempts = fields.attempts or {}
  fields.retryable = fields.retryable or false
  return setmetatable(fields, Error)
end

-- What Lua raises where it has no memory.
local NO_MEMORY = "not enough memory"

--- The error object for what was raised where memory is short, or nil: it was
--- raised for another reason.
---@param raised any
---@param provider string
---@return ccaas.Error|nil
function errors.of_memory(raised, provider)
  if raised == NO_MEMORY then
    return errors.new({ code = "memory", message = "out of memory" }, provider)
  end
end

--- Is this an error of this library?
---@param value any
---@return boolean
function errors.is(value)
  return getmetatable(value) == Error
end

return errors
