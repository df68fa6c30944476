-- A file that could not be opened gave nil and nothing beside it, so that a
-- script saw neither a file nor an error.
local ccaas = require "ccaas"
local helper = require "spec.support.helper"

describe("a file that cannot be made", function()
  it("is the error io", function()
    local sandbox = helper.sandbox { recordings = 1, agents = 2 }
    local client = ccaas.new(sandbox:options("xima"))
    local path = helper.folder() .. "/none/file"
    local recording = assert(client:recordings { from = "2025-06-30", to = "2026-06-30" }:next())
    for _, call in ipairs {
      function() return client:audio(recording, { file = path }) end,
      function() return client:historic_data("1001", { format = "PDF", file = path }) end,
    } do
      local file, err = call()
      assert.is_nil(file)
      assert.are.equal("io", err.code)
      assert.is_truthy(err.message:find(path, 1, true))
    end
  end)
end)
