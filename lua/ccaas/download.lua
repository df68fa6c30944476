--- A body to memory, to a file or to a function of the user's, checked while it
--- passes.  A file appears whole or not at all.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local loop = require "ccaas.loop"
local options = require "ccaas.options"
local streams = require "ccaas.stream"
local usage_error = require "ccaas.usage_error"

local download = {}

download.options = {
  file = options.checks.text,
  sink = options.checks.call,
  progress = options.checks.call,
}

-- -- Where it goes: { write(piece), restart(headers), finish(), abandon() }; write,
-- restart and finish give nil and an error of theirs where they fail. `begin`, if
-- there is one, comes before them: it may take its time, for the request is under
-- way by then. `in_place`: its write takes a piece that was not made a string of
-- (see core.call), too.

local function to_memory(own)
  local pieces, size = {}, 0
  return {
    write = function(piece)
      size = size + #piece
      if size > own.max_body then
        return nil, errors.new({ code = "too_large",
          message = string.format("the answer is larger than max_body (%d bytes): use `file`", own.max_body) },
          own.provider)
      end
      pieces[#pieces + 1] = piece
      return true
    end,
    restart = function()
      pieces, size = {}, 0
      return true
    end,
    finish = function() return table.concat(pieces) end,
    abandon = function() end,
  }
end

local function to_file(own, path)
  local file, reason = core.atomic_file(path, "later")
  local function checked(done, why)
    if done then
      return done
    end
    return nil, errors.new({ code = "io", message = why }, own.provider)
  end
  if not file then
    return checked(nil, reason)
  end
  return {
    in_place = true,
    begin = function() return checked(file:begin()) end,
    write = function(piece) return checked(file:write(piece)) end,
    restart = function() return checked(file:restart()) end,
    finish = function(bytes, content_type)
      local done, err = checked(file:commit())
      return done and { path = path, bytes = bytes, content_type = content_type }, err
    end,
    abandon = function() file:abort() end,
  }
end

-- What the function was given cannot be taken back: after a new start the same
-- bytes are passed over, if the server says that they are the same.
local function to_sink(own, sink)
  local given, skip, tag = 0, 0, nil
  return {
    write = function(piece, headers)
      tag = tag or headers.etag
      local pass = math.min(skip, #piece)
      skip = skip - pass
      if pass < #piece then
        given = given + #piece - pass
        sink(pass > 0 and piece:sub(pass + 1) or piece)
      end
      return true
    end,
    restart = function(headers)
      if not tag or tag:sub(1, 2) == "W/" or tag ~= headers.etag then
        return nil, errors.new({ code = "network", retryable = true,
          message = "the connection was lost, and what the sink already has may not match the rest: start again" },
          own.provider)
      end
      skip = given
      return true
    end,
    finish = function(bytes, content_type) return { bytes = bytes, content_type = content_type } end,
    abandon = function() end,
  }
end

--- The place that a call's options name; nil and an error where it cannot be.
---@param own table a client's internals
---@param where string the method's name, for messages
---@param opts table
---@return table|nil place
---@return ccaas.Error|nil
function download.place(own, where, opts)
  if opts.file and opts.sink then
    usage_error.raise("%s: options `file` and `sink` cannot be used together", where)
  end
  if opts.file then
    return to_file(own, opts.file)
  end
  return opts.sink and to_sink(own, opts.sink) or to_memory(own)
end

--- Pulls a body into a place.  `check` is an object with `feed(piece, headers)`
--- and `finish(bytes, headers)`, each giving true or nil and a reason, made anew
--- by `new_check` when the body begins anew.
---@param own table
---@param name string
---@param plan table
---@param place table
---@param new_check fun(): table
---@param opts { progress: function|nil, size: integer|nil }
---@return any
---@return ccaas.Error|nil
function download.pull(own, name, plan, place, new_check, opts)
  local check, bytes, total = new_check(), 0, opts.size
  local function refuse(reason, status, moved)
    reason = moved and reason .. " (redirected to " .. moved .. ")" or reason
    return nil, errors.new({ code = "protocol", message = own.core:show(reason), status = status, method = plan.method,
      url = plan.urls[1] }, own.provider)
  end
  local function take(piece, headers, status, moved)
    local good, reason = check:feed(piece, headers)
    if not good then
      return refuse(reason, status, moved)
    end
    local done, err = place.write(piece, headers)
    if not done then
      return nil, err
    end
    bytes = bytes + #piece
    if opts.progress then
      -- Of a body that comes compressed the length is another one.
      total = total or status == 200 and not headers["content-encoding"] and tonumber(headers["content-length"]) or nil
      opts.progress(bytes, total)
    end
    return true
  end
  local function afresh(headers)
    check, bytes, total = new_check(), 0, opts.size
    return place.restart(headers)
  end
  local ok, headers, err, status, moved = loop.protect(own.wait, streams.pieces, own, plan, name, take, afresh,
    place.begin)
  if not ok then
    place.abandon()
    error(headers, 0)
  end
  if headers then
    local whole, reason = check:finish(bytes, headers)
    if not whole then
      place.abandon()
      return refuse(reason, status, moved)
    end
    local result
    result, err = place.finish(bytes, headers["content-type"])
    if result then
      return result
    end
  end
  place.abandon()
  return nil, err
end

return download
