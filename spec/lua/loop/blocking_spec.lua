-- loop = "blocking": the calling thread sleeps.
local contract = require "spec.support.loop"

describe("the loop \"blocking\"", function()
  contract {
    option = "blocking",
    alone = true,
    turn = function() end,
    run = function(tasks)
      for _, task in ipairs(tasks) do
        coroutine.wrap(task)()
      end
    end,
  }
end)
