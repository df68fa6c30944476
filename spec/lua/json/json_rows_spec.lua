-- Rows as core.decode, core.decoder and core.decode_list read them: their shape, what
-- a decoder learns of them, and lists of them.
local core = require "ccaas.core"
local json = require "spec.support.json"
local null = require("cjson").null

local wrong, rows_shape, random = json.wrong, json.rows_shape, json.random

describe("the shape of a row", function()
  it("makes a map of the list of key and value", function()
    assert.same({ id = "1", metrics = { a = 7, ["b.c"] = "x", d = 1.5 } },
      (core.decode('{"id":"1","metrics":[{"key":"a","value":7},'
        .. '{"value":"x","key":"b.c"},'
        .. '{"unit":{"key":"no"},"key":"\\u0064","value":1.5,"n":[1,{}]}]}',
        rows_shape)))
  end)

  it("accepts a map that is an object already", function()
    assert.same({ metrics = { a = 7, b = { 1 } } },
      (core.decode('{"metrics":{"a":7,"b":[1],"c":null}}', rows_shape)))
  end)

  it("takes empty and missing maps", function()
    assert.same({ metrics = {} }, (core.decode('{"metrics":[]}', rows_shape)))
    assert.same({ metrics = {} },
      (core.decode('{"metrics": [ ] }', rows_shape)))
    assert.same({ metrics = {} }, (core.decode('{"metrics":{}}', rows_shape)))
    assert.same({}, (core.decode('{"metrics":null}', rows_shape)))
    assert.same({ metrics = "x" },
      (core.decode('{"metrics":"x"}', rows_shape)))
    assert.same({}, (core.decode("{}", rows_shape)))
  end)

  it("leaves null values out of the map, or keeps them", function()
    local text = '{"metrics":[{"key":"a","value":null},{"key":"b"}]}'
    assert.same({ metrics = {} }, (core.decode(text, rows_shape)))
    assert.same({ metrics = { a = null } }, (core.decode(text, {
      map = "metrics", map_key = "key", map_value = "value", keep_null = true,
    })))
  end)

  it("refuses entries without a key, rather than drop them", function()
    for entry, offset in pairs {
      ['{"value":1}'] = 12, ['{}'] = 13, ['1'] = 12, ['null'] = 12,
      ['[]'] = 12, ['{"key":1,"value":2}'] = 19, ['{"key":null}'] = 19,
    } do
      local at, reason = wrong('{"metrics":[' .. entry .. "]}", rows_shape)
      assert.equal(offset, at, entry)
      assert.truthy(reason:find("of the map", 1, true))
    end
  end)

  it("applies to the top level only", function()
    local inner = { groupId = 1, metrics = { { key = "a", value = 1 } } }
    local text = '{"groupId":1,"metrics":[{"key":"a","value":1}]}'
    assert.same({ inner = inner },
      (core.decode('{"inner":' .. text .. "}", rows_shape)))
    assert.same({ inner }, (core.decode("[" .. text .. "]", rows_shape)))
    local decode = core.decoder(rows_shape)
    for _ = 1, 3 do
      assert.same({ group_id = 1, metrics = { a = 1 } }, (decode(text)))
      assert.same({ inner }, (decode("[" .. text .. "]")))
    end
  end)

  it("renames members", function()
    assert.same({ group_id = 1, group_name = "x", groupid = 2 },
      (core.decode('{"groupId":1,"group\\u004eame":"x","groupid":2}',
        rows_shape)))
  end)

  it("tells the identity of a row", function()
    local function identity(text, names)
      return (select(2, core.decode(text, { identity = names })))
    end
    assert.equal("103", identity('{"n":1,"id":"103"}', { "id" }))
    assert.equal("é", identity('{"id":"\\u00e9"}', { "id" }))
    assert.equal("12.50", identity('{"id":12.50}', { "id" }))
    assert.equal("", identity('{"id":""}', { "id" }))
    assert.equal("a\0b", identity('{"y":"b","x":"a"}', { "x", "y" }))
    assert.equal("a\0", identity('{"y":"","x":"a"}', { "x", "y" }))
    assert.equal("a", identity('{"x":"a"}', { "x", "y" }))
    assert.equal("2", identity('{"id":1,"id":2}', { "id" }))
    assert.is_nil(identity('{"id":null}', { "id" }))
    assert.is_nil(identity('{"id":1,"id":null}', { "id" }))
    assert.is_nil(identity('{"id":[1]}', { "id" }))
    assert.is_nil(identity('{"x":{"id":1}}', { "id" }))
    assert.is_nil(identity('{"y":"b"}', { "x", "y" }))
    assert.is_nil(identity('["id"]', { "id" }))
    assert.is_nil(identity('{"id":1}', nil))
  end)

  it("keeps no identity of the row before", function()
    local decode = core.decoder { identity = { "id" } }
    assert.equal("1", (select(2, decode('{"id":1}'))))
    assert.is_nil((select(2, decode('{"x":1}'))))
    assert.is_nil((select(2, decode("[]"))))
    assert.equal(3, select("#", decode('{"id":1')))
  end)
end)

describe("a decoder that has learnt", function()
  --- Decodes with one that learns and with fresh ones; all must be the same.
  local function check_like_fresh(texts, shape)
    local decode = core.decoder(shape)
    for _ = 1, 2 do
      for _, text in ipairs(texts) do
        local fresh = { core.decode(text, shape) }
        assert.same(fresh, { decode(text) })
      end
    end
  end

  it("is right when members are missing, new or in another order", function()
    local next_number, texts = random(11), {}
    for i = 1, 400 do
      local members, entries = {}, {}
      for j = 1, 12 do
        if next_number(4) > 0 then
          table.insert(members, 1 + next_number(3) % (#members + 1),
            ('"member%d":%s'):format(j, ({ "1", '"x"', "null", '{"a":1,"b":2}',
              '[{"a":1},{"b":[]}]' })[1 + next_number(5)]))
          table.insert(entries, 1 + next_number(2) % (#entries + 1),
            ('{"key":"key%d","value":%s}'):format(j + next_number(2),
              ({ "1", '"x"', "null", "-1", "true", '{"a":1}',
                '2,"more":1' })[1 + next_number(7)]))
        end
      end
      table.insert(members, 1 + next_number(#members + 1),
        '"metrics":[' .. table.concat(entries, ",") .. "]")
      texts[i] = "{" .. table.concat(members, ",") .. "}"
    end
    check_like_fresh(texts, rows_shape)
  end)

  it("is right when every name is a new one", function()
    local texts = {}
    for i = 1, 300 do
      local members = {}
      for j = 1, 30 do
        members[j] = ('"name %d":%d'):format(i * 1000 + j, j)
      end
      texts[i] = "{" .. table.concat(members, ",") .. ',"in":{'
        .. table.concat(members, ",") .. "}}"
    end
    check_like_fresh(texts)
  end)

  it("is right with more names than it learns", function()
    local members, entries = {}, {}
    for j = 1, 1000 do
      members[j] = ('"name %d":%d'):format(j, j)
      entries[j] = ('{"key":"k%d","value":%d}'):format(j, j)
    end
    check_like_fresh({ "{" .. table.concat(members, ",") .. ',"metrics":['
      .. table.concat(entries, ",") .. "]}", "{}" }, rows_shape)
  end)

  it("is right with longer names than it learns", function()
    local texts = {}
    for length = 80, 130 do
      texts[#texts + 1] = ('{"%s":1,"metrics":[{"key":"%s","value":2}]}')
        :format(("n"):rep(length), ("k"):rep(length))
    end
    check_like_fresh(texts, rows_shape)
  end)

  it("is right with more objects in objects than it tells apart", function()
    local parts = {}
    for i = 1, 100 do
      parts[i] = ('"o%d":{"a%d":%d,"in":{"b":[{"c":%d}]}}'):format(i, i, i, i)
    end
    check_like_fresh { "{" .. table.concat(parts, ",") .. "}" }
  end)

  it("is right when a name is the beginning of another", function()
    check_like_fresh { '{"a":1,"ab":2,"abc":3}', '{"ab":1,"abc":2,"a":3}',
      '{"abc":1,"a":2}', '{"a" :1}', '{ "a":1}', '{"a": 1}', '{"a":\t1}' }
  end)

  it("is right after a text that was not JSON", function()
    check_like_fresh({ '{"id":1,"metrics":[{"key":"a","value":1}]}',
      '{"id":2,"metrics":[{"key":"b","value":tru}]}',
      '{"id":3,"metrics":[{"key":"a","value":2}]}', '{"id":4,"new":{"x":', "]",
      '{"id":5,"new":{"x":1}}' }, rows_shape)
  end)

  it("holds a bounded amount of memory", function()
    local decode = core.decoder(rows_shape)
    local function feed(from, to)
      for i = from, to do
        decode(('{"a%d":1,"b":{"c%d":[{"d%d":1}]},"metrics":[{"key":"e%d",'
          .. '"value":1}]}'):format(i, i, i, i))
      end
      for _ = 1, 8 do -- LuaJIT's own buffers shrink by halves
        collectgarbage()
      end
      return collectgarbage("count")
    end
    local before = feed(1, 130000)
    assert.is_true(before < 4096)
    assert.is_true(feed(130001, 200000) < before + 64)
    decode('"\\n' .. ("x"):rep(4e6) .. '"')
    assert.is_true(feed(200001, 200002) < before + 64)
  end)
end)

describe("decoding a list", function()
  local chunks = { 1, 2, 3, 5, 63, 64, 65, 1000, 16384 }

  --- The same however it is cut.
  local function check_list(text, kind, key, shape, ...)
    local want = { core.decode_list(text, kind, key, shape, #text + 1, ...) }
    for _, chunk in ipairs(chunks) do
      assert.same(want,
        { core.decode_list(text, kind, key, shape, chunk, ...) })
    end
    return (table.unpack or unpack)(want, 1, 4)
  end

  it("gives the records of each kind of list", function()
    assert.same({ { a = 1 }, 2, "x", null, {} },
      (check_list('[{"a":1},2,"x",null,[]]', "array")))
    assert.same({ 1 }, (check_list('{"n":{},"data":[1]}', "array_or_key",
      "data")))
    assert.same({ 1 }, (check_list("[1]", "array_or_key", "data")))
    assert.same({ 2 }, (check_list('{"n":1,"l":[2]}', "array_or_key")))
    assert.same({ { a = 1 } }, (check_list('{"a":1}', "array_or_one")))
    assert.same({ { 1, 2 } }, (check_list("[1,2]", "whole")))
    assert.same({ 12 }, (check_list("12", "whole")))
    assert.same({}, (check_list("[]", "array")))
  end)

  it("gives rows, whole or byte by byte", function()
    local rows, want = {}, {}
    for i = 1, 50 do
      rows[i] = ('{"id":"%d","name":"Q\\u0075eue \\"%d\\" [é]","metrics":['
        .. '{"key":"a","value":%d},{"key":"b.c","value":"}]"}]}')
        :format(i, i, i)
      want[i] = { id = tostring(i), name = ('Queue "%d" [é]'):format(i),
        metrics = { a = i, ["b.c"] = "}]" } }
    end
    local text = "[" .. table.concat(rows, " ,\n") .. "]"
    assert.same(want, (check_list(text, "array", nil, rows_shape)))
  end)

  it("gives the records before the first wrong byte", function()
    local function check_wrong(text, offset, before, kind)
      local value, reason, at, values = check_list(text, kind or "array",
        "data")
      assert.is_nil(value)
      assert.is_string(reason)
      assert.equal(offset, at, text)
      assert.same(before, values)
    end
    check_wrong('[{"a":1},{"a":tru}]', 17, { { a = 1 } })
    check_wrong('[1,2,,3]', 5, { 1, 2 })
    check_wrong('[1,{"a":1}', 10, { 1, { a = 1 } })
    check_wrong('[1] 2', 4, { 1 })
    check_wrong('{"data":[1],"x":}', 16, { 1 }, "array_or_key")
    check_wrong('{"x":[1]}', 8, {}, "array_or_key")
    check_wrong('\239\187\191[]', 0, {})
    check_wrong("", 0, {}, "whole")
  end)

  it("is as strict as decoding the whole", function()
    local good = '[{"a":"\\u00e9","b":[1,-2.5e3,null]},true,"x",12]'
    for at = 1, #good do
      for byte in ('{}[]:,"\\ x1-.\1\255'):gmatch(".") do
        local text = good:sub(1, at - 1) .. byte .. good:sub(at + 1)
        local want, _, offset = core.decode(text)
        if type(want) == "table" and want[1] ~= nil and text:sub(1, 1) == "["
        then
          assert.same(want, (check_list(text, "array")))
        elseif offset then
          local value, _, found = check_list(text, "array")
          assert.is_nil(value)
          assert.is_true(found <= #text)
        end
      end
    end
  end)

  it("refuses a record larger than the limit", function()
    local text = '[1,{"a":"0123456789"},2]'
    assert.is_table((check_list(text, "array", nil, nil, 18)))
    local value, reason, offset, before = check_list(text, "array", nil, nil,
      17)
    assert.is_nil(value)
    assert.equal("a record", reason) -- it is what is too large
    assert.equal(20, offset)
    assert.same({ 1 }, before)
  end)
end)
