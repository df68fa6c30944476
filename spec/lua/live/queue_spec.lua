-- How many messages of a subscription wait for its reader: by default, as told,
-- and at the most.  (Not with tiny buffers, which their bytes fill before.)
local helper = require "spec.support.helper"
local ccaas = require "ccaas"

describe("the queue of a subscription", function()
  for queue, waiting in pairs { [0] = 1024, [1] = 1, [1025] = 1025, [65536] = 1100 } do
    it(queue == 0 and "has room for 1024" or ("keeps %d of 1100 when told %d"):format(waiting, queue), function()
      local sandbox = helper.sandbox { agents = 2, buffer = 10000000 }
      local client = ccaas.new(sandbox:options("xima"))
      local stream = client:subscribe({ "101" }, { snapshot = false, queue = queue > 0 and queue or nil })
      assert.equal("open", assert(stream:next(30)).type)
      sandbox:live { flood = 1100 }
      local ends = os.time() + 30
      local info
      repeat
        info = stream:info()
        assert(os.time() < ends, "not all messages came")
      until info.waiting + info.conflated == 1100 or queue == 1 and info.waiting > 0
      if queue ~= 1 then
        assert.equal(waiting, info.waiting)
      else
        -- Of many categories each waits its turn.
        assert.is_true(info.waiting <= 2, info.waiting)
      end
      client:close()
      sandbox:stop()
    end)
  end
end)
