--- The audio of a recording: whole OGG pages, at the vendor's pace.

local core = require "ccaas.core"
local download = require "ccaas.download"
local text = require "ccaas.text"

local audio = { options = download.options }

--- The words of its methods: the row's member with the size in bytes; and the
--- seconds between two downloads of rows whose member `by` is the same, and the
--- option of `ccaas.new` that sets them.
audio.words = {
  size = "string",
  pace = { fields = { seconds = "number", by = "string", option = "string" } },
}

-- Whole OGG pages, and as many bytes as the row says.
local function new_audio_check(size)
  local ogg = core.ogg()
  return {
    feed = function(_, piece)
      local good, reason, offset = ogg:feed(piece)
      if not good then
        return nil, string.format("the audio is damaged at byte %d: %s", offset or 0, reason)
      end
      return true
    end,
    finish = function(_, bytes)
      local whole, reason = ogg:finish()
      if not whole then
        return nil, "the audio is incomplete: " .. reason
      elseif size and size ~= bytes then
        return nil, string.format("the audio has %d bytes, but the recording says %s", bytes, text.of(size))
      end
      return true
    end,
  }
end

--- The audio of a recording, at the vendor's pace.
function audio.result(own, name, method, plan, opts, row)
  local size = type(row[method.size]) == "number" and row[method.size] or nil
  plan.body, plan.format, plan.resume = "chunks", "ogg", true
  plan.pace = own.base_url .. " " .. text.of(row[method.pace.by])
  plan.pace_seconds = own.kept[method.pace.option] or method.pace.seconds
  local place, err = download.place(own, name, opts)
  if not place then
    return nil, err
  end
  plan.in_place = place.in_place
  return download.pull(own, name, plan, place, function() return new_audio_check(size) end,
    { progress = opts.progress, size = size })
end

return audio
