--- client:archive: every recording of a period as files with a manifest, which
--- can be stopped and started again at any moment.
---
--- In the folder: one file for each recording; and `manifest.jsonl`, a line for
--- each file that is whole.  The list that is being worked through is on that disk,
--- too, in a file without a name: the vendor's answer is read once and at once, for
--- to keep it open would take days at three seconds a file.
---
--- Others may archive into the folder at the same time, in this process or in
--- another one: they share nothing but the manifest.  Of a recording that is fetched
--- by two each has a part of its own, and whoever is last puts his in its place.

local core = require "ccaas.core"
local errors = require "ccaas.error"
local internals = require "ccaas.internals"
local json = require "ccaas.json"
local loop = require "ccaas.loop"
local names = require "ccaas.names"
local options = require "ccaas.options"
local usage_error = require "ccaas.usage_error"

local MANIFEST = "manifest.jsonl"
local MISSING = 2 -- ENOENT

local checks = {
  from = options.checks.time,
  to = options.checks.time,
  dir = options.checks.text,
  progress = options.checks.call,
  on_file = options.checks.call,
  deadline = options.checks.seconds,
  timeout = options.checks.seconds,
  retries = options.limits.retries,
  max_retry_after = options.checks.pause,
}

-- After these the next file would fare no better.
local hopeless = {
  egress_capped = true, auth = true, io = true, cancelled = true, dns = true, connect = true, tls = true,
}

local function io_error(own, reason)
  return errors.new({ code = "io", message = reason }, own.provider)
end

local function protocol_error(own, reason)
  return errors.new({ code = "protocol", message = reason }, own.provider)
end

-- Is the file whole?  The manifest alone does not tell: a file that was renamed
-- just before the process was killed is not in it, and one that is in it may
-- have been damaged since.
local function is_whole(path, size)
  local file = core.open(path, "rb")
  if not file then
    return false
  end
  local ogg, bytes, good = core.ogg(), 0, true
  while good do
    local piece = file:read(65536)
    if not piece then
      good = ogg:finish()
      break
    end
    bytes = bytes + #piece
    good = ogg:feed(piece)
  end
  file:close()
  return good and (not size or size == bytes) and bytes or false
end

-- -- The manifest --------------------------------------------------------------

-- Reads on in the manifest: which files are there, by name.  A last line that has
-- no end yet does not count: somebody was killed while he wrote it, or is at it.
local function read_on(manifest)
  local file, done = manifest.file, manifest.done
  file:seek("set", manifest.at)
  for line in function() return file:read("*L") end do
    if line:sub(-1) ~= "\n" then
      return
    end
    manifest.at = manifest.at + #line
    local entry = core.decode(line)
    if type(entry) == "table" and type(entry.file) == "string" then
      done[entry.file] = entry.bytes
    end
  end
end

local function close_manifest(manifest)
  manifest.out:close()
  manifest.file:close()
end

-- Opens it.  It is written line by line, each in one go, so that those of others do
-- not come in between.
local function open_manifest(own, dir)
  local path = dir .. "/" .. MANIFEST
  local out, reason, number = core.open(path, "ab", "nofollow")
  if not out then
    return nil, io_error(own, number == MISSING and dir .. " does not exist: create it first" or reason)
  end
  local file
  file, reason = core.open(path, "rb", "nofollow")
  if not file then
    out:close()
    return nil, io_error(own, reason)
  end
  out:setvbuf("no")
  local manifest = { out = out, file = file, done = {}, at = 0 }
  read_on(manifest)
  return manifest
end

-- Notes that the file is there, unless that is known: by now maybe from somebody
-- else.  (Two processes that fetched the same at the same moment may both say so.)
local function note(manifest, row, name, bytes)
  local done = manifest.done
  if done[name] ~= bytes then
    read_on(manifest)
  end
  if done[name] == bytes then
    return true
  end
  local torn = manifest.file:seek("end") > manifest.at -- its last line, by a full disk maybe
  local line = json.encode({ file = name, bytes = bytes, recordingKey = row.recordingKey,
    tenantName = row.tenantName, startTime = row.startTime, duration = row.duration, callKey = row.callKey,
    agent = row.agent, skill = row.skill, callDirection = row.callDirection,
    callingParty = row.callingParty, receivingParty = row.receivingParty }, true)
  local ok, reason = manifest.out:write((torn and "\n" or "") .. line .. "\n")
  if ok then
    done[name] = bytes
  end
  return ok, reason
end

-- -- The list ------------------------------------------------------------------

-- A file in the folder that has no name: nothing is left of it, whatever ends this,
-- and nobody else has it.  Until it has lost its name it looks like a part, which
-- a sweep takes away.
local function open_list(own, dir)
  local source = core.open("/dev/urandom", "rb")
  local random = tostring({}) .. core.now()
  if source then
    source:setvbuf("no")
    random = random .. (source:read(16) or "")
    source:close()
  end
  local path = ("%s/.ccaas-%s.part"):format(dir, core.sha256(random):sub(1, 16))
  local list, reason = core.open(path, "w+b", "private")
  if not list then
    return nil, io_error(own, reason)
  end
  os.remove(path)
  return list
end

-- The bytes that a row says its audio has; 0: it says nothing of use.
local function size_of(row)
  local size = tonumber(row.size) or 0
  return size - size == 0 and size or 0
end

-- Reads the vendor's list into the file, and sums it up.
local function spool(self, own, opts, list)
  local sums = { files = 0, bytes = 0 }
  local stream = self:recordings { from = opts.from, to = opts.to, deadline = opts.left(),
    timeout = opts.timeout, retries = opts.retries, max_retry_after = opts.max_retry_after }
  while true do
    local row, err = stream:next()
    if err then
      return nil, err
    elseif row == nil then
      break
    end
    local ok, why = list:write(json.encode(row, true) or "", "\n")
    if not ok then
      stream:close()
      return nil, io_error(own, why)
    end
    sums.files = sums.files + 1
    sums.bytes = sums.bytes + size_of(row)
  end
  local ok, why = list:seek("set") -- writes what is left to be written
  if not ok then
    return nil, io_error(own, why)
  end
  return sums
end

-- -- The files -----------------------------------------------------------------

-- Does the row name a recording that can be asked for, in an address that has
-- room for it?
local function is_named(row)
  for _, id in ipairs { row.tenantName or "", row.recordingKey or "" } do
    if type(id) ~= "string" or id == "" or id == "." or id == ".." or #id > 1000 then
      return false
    end
  end
  return true
end

-- The name of a recording's file.  In the tenant's part a hyphen is escaped, so
-- that no other tenant and key have the same name.
local function name_of(row)
  local tenant = row.tenantName:gsub("[%%-]", { ["%"] = "%25", ["-"] = "%2D" })
  return names.file(tenant .. "-" .. row.recordingKey, ".ogg")
end

-- One recording: there already, or fetched.  Gives how many bytes it has and
-- whether it was there; or nil and an error.
local function fetch(self, own, opts, row, path)
  if not is_named(row) then
    return nil, protocol_error(own, "the recording's row has no usable recordingKey and tenantName")
  end
  local bytes = is_whole(path, tonumber(row.size))
  if bytes then
    return bytes, true
  elseif own.closed then
    return nil, errors.new({ code = "cancelled", message = "the client was closed" }, own.provider)
  end
  local file, err = self:audio(row, { file = path, deadline = opts.left(), timeout = opts.timeout,
    retries = opts.retries, max_retry_after = opts.max_retry_after })
  if not file then
    return nil, err
  end
  return file.bytes, false
end

-- Goes through the list.  Gives the result and, where going on makes no sense,
-- the error that ended it.
local function work(self, own, opts, list, sums, manifest)
  local result = { files = 0, skipped = 0, bytes = 0, failed = {} }
  local at, at_bytes = 0, 0
  for line in list:lines() do
    local row = core.decode(line) or {}
    local name = is_named(row) and name_of(row) or ""
    local path = opts.dir .. "/" .. name
    local bytes, known = fetch(self, own, opts, row, path)
    local err = not bytes and known or nil
    if bytes then
      local ok, reason = note(manifest, row, name, bytes)
      if not ok then
        return result, io_error(own, reason)
      end
      result[known and "skipped" or "files"] = result[known and "skipped" or "files"] + 1
      result.bytes = result.bytes + (known and 0 or bytes)
    else
      result.failed[#result.failed + 1] = { recording = row, error = err }
    end
    at, at_bytes = at + 1, at_bytes + (tonumber(row.size) and size_of(row) or bytes or 0)
    if opts.on_file then
      opts.on_file(row, bytes and { path = path, bytes = bytes, skipped = known } or nil, err)
    end
    if opts.progress then
      opts.progress { files = at, total = sums.files, bytes = at_bytes, total_bytes = sums.bytes,
        fetched = result.bytes, skipped = result.skipped, failed = #result.failed }
    end
    if err and (hopeless[err.code] or opts.is_late() or opts.is_too_long(err.retry_after)) then
      return result, err
    end
  end
  if at < sums.files then
    return result, io_error(own, "the list of recordings could not be read back from " .. opts.dir)
  end
  return result
end

-- The list, then the files.
local function run(self, own, opts, list, manifest)
  local sums, err = spool(self, own, opts, list)
  if not sums then
    return nil, err
  end
  return work(self, own, opts, list, sums, manifest)
end

-- A copy of the options that knows the time: left() gives the seconds until the
-- deadline, or nil where there is none; is_late() whether it has passed;
-- is_too_long(seconds) whether the server asks for a longer wait than the next file
-- would have.
local function with_clock(given, own)
  local opts = {}
  for name, value in pairs(given) do
    opts[name] = value
  end
  local deadline = given.deadline or own.deadline
  local ends = deadline and core.now() + deadline
  function opts.left()
    return ends and math.max(ends - core.now(), 1e-3)
  end
  function opts.is_late()
    return ends ~= nil and core.now() >= ends
  end
  function opts.is_too_long(seconds)
    return seconds ~= nil and seconds > (opts.left() or given.max_retry_after or own.max_retry_after)
  end
  return opts
end

---@class ccaas.ArchiveState
---@field files integer done with, of `total`
---@field total integer
---@field bytes integer as the list has them, of `total_bytes`
---@field total_bytes integer
---@field fetched integer bytes that came over the wire
---@field skipped integer files that were there
---@field failed integer

---@class ccaas.ArchiveOptions
---@field from string|number
---@field to string|number
---@field dir string a folder that is there
---@field max_retry_after? number seconds; a longer Retry-After ends it early, where there is no deadline
---@field progress? fun(state: ccaas.ArchiveState)
---@field on_file? fun(recording: table, file: table|nil, err: ccaas.Error|nil)

--- Pulls every recording of a period into `dir`, at the vendor's pace.  What is
--- there already is not fetched again.  Gives the counts also where it had to
--- end early (cap on bytes, disk, token), with the error beside them.
---@param self table a client
---@param given ccaas.ArchiveOptions
---@return { files: integer, skipped: integer, bytes: integer, failed: { recording: table, error: ccaas.Error }[] }|nil
---@return ccaas.Error|nil
return function(self, given)
  local own = internals.of(self, "archive")
  local opts = options.check("archive", given, checks)
  for _, name in ipairs { "from", "to", "dir" } do
    if opts[name] == nil then
      usage_error.raise("archive: needs option `%s`", name)
    end
  end
  options.check_period("archive", opts, true)
  opts = with_clock(opts, own)
  core.sweep(opts.dir)
  local manifest, err = open_manifest(own, opts.dir)
  if not manifest then
    return nil, err
  end
  local list
  list, err = open_list(own, opts.dir)
  if not list then
    close_manifest(manifest)
    return nil, err
  end
  local ok, result, why = loop.protect(own.wait, run, self, own, opts, list, manifest)
  list:close()
  close_manifest(manifest)
  core.sweep(opts.dir) -- once more: what was killed just before it began held its part still
  if not ok then
    error(result, 0)
  end
  return result, why
end
