--- A kind of result that only this vendor has: one number out of a document.

local streams = require "ccaas.stream"

return {
  words = { member = "string" },
  result = function(own, name, method, plan)
    plan.body = "json"
    local document, err = streams.run(own, plan, name)
    return document and document[method.member], err
  end,
}
