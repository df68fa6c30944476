-- The strict JSON reader end to end: splitter and record decoder, by way of
-- core.decode, core.decoder and core.decode_list.
local core = require "ccaas.core"
local null = require("cjson").null

local is_integer = math.type and function(value)
  return math.type(value) == "integer"
end or function(value)
  return value == math.floor(value)
end

local function wrong(text, shape)
  local value, reason, offset = core.decode(text, shape)
  assert.is_nil(value)
  assert.is_string(reason)
  return offset, reason
end

local rows_shape = {
  map = "metrics", map_key = "key", map_value = "value",
  rename = { { "groupId", "group_id" }, { "groupName", "group_name" } },
  identity = { "id" },
}

--- A repeatable sequence of numbers from 0 to `most` - 1.
local function random(seed)
  return function(most)
    seed = (seed * 16807) % 2147483647
    return seed % most
  end
end

describe("decoding a value", function()
  it("reads the literals", function()
    assert.is_true(core.decode("true"))
    assert.is_false(core.decode(" false "))
    assert.equal(null, (core.decode("null")))
  end)

  it("reads strings with all their escapes", function()
    assert.equal("", (core.decode('""')))
    assert.equal('"\\/\b\f\n\r\t', (core.decode([["\"\\\/\b\f\n\r\t"]])))
    assert.equal("\0é€😀",
      (core.decode([["\u0000\u00e9\u20AC\ud83d\uDE00"]])))
    assert.equal("é€😀", (core.decode('"é€😀"')))
    local long = ("0123456789"):rep(1000)
    assert.equal(long, (core.decode('"' .. long .. '"')))
    assert.equal(long .. "\n" .. long,
      (core.decode('"' .. long .. "\\n" .. long .. '"')))
  end)

  it("keeps the bytes of a very long string with escapes", function()
    local part = ("x"):rep(99) .. "\n"
    local text = '"' .. (("x"):rep(99) .. "\\n"):rep(2000) .. '"'
    local decode = core.decoder()
    for _ = 1, 3 do
      assert.equal(part:rep(2000), (decode(text)))
    end
  end)

  it("reads integers exactly, as integers", function()
    for _, text in ipairs { "0", "7", "-1", "1719570000000",
      "999999999999999999", "-999999999999999999", "9007199254740993",
      "9223372036854775807", "-9223372036854775808" } do
      local value = core.decode(text)
      assert.equal(tonumber(text), value)
      assert.is_true(is_integer(value), text)
      if math.type then
        assert.equal(text, tostring(value))
      end
    end
  end)

  it("reads -0 as the integer 0", function()
    local value = core.decode("-0")
    assert.equal(0, value)
    assert.is_true(1 / value > 0)
    assert.is_true(1 / core.decode("-0.0") < 0)
  end)

  it("makes floats of larger integers", function()
    assert.equal(2 ^ 63, (core.decode("9223372036854775808")))
    assert.equal(-2 ^ 63, (core.decode("-9223372036854775809")))
    assert.equal(1e30, (core.decode("1" .. ("0"):rep(30))))
    assert.equal(1e19, (core.decode("10000000000000000000")))
    assert.equal(1e20, (core.decode("99999999999999999999")))
    assert.equal(2 ^ 64, (core.decode("18446744073709551617")))
    assert.equal(2 ^ 63 * 10, (core.decode("92233720368547758080")))
    if math.type then
      assert.equal("float", math.type((core.decode("9223372036854775808"))))
      assert.equal("float", math.type((core.decode("1e2"))))
      assert.equal("float", math.type((core.decode("1.0"))))
    end
  end)

  it("rounds floats correctly", function()
    for _, text in ipairs { "0.1", "-0.3", "1e22", "1e23", "7e23", "1E5",
      "12E-2", "1e-22", "1e-23", "3e-25", "1.5e-7", "123.456",
      "9007199254740993.0", "0.500000000000000166533453693773481063544750213",
      "2.2250738585072014e-308", "4.9406564584124654e-324", "5e-324",
      "1.7976931348623157e308", "8.98846567431158e307", "1e-400", "0e999999",
      "123456789012345678901234567890.0e-10",
      "0.000000000000000000000000000000000000000000001",
      ("9"):rep(400) .. "e-390", "0." .. ("0"):rep(100) .. "17976931348623157" }
    do
      assert.equal(tonumber(text), (core.decode(text)), text)
    end
    local next_number = random(7)
    for _ = 1, 2000 do
      local text = ("%d.%09d%08de%d"):format(next_number(10),
        next_number(1000000000), next_number(100000000),
        next_number(600) - 300)
      assert.equal(tonumber(text), (core.decode(text)), text)
    end
  end)

  it("has no limit to a number's digits", function()
    assert.equal(1, (core.decode("1." .. ("0"):rep(100000))))
    assert.equal(0.1, (core.decode("0.1" .. ("0"):rep(100000))))
    assert.equal(math.huge, (core.decode(("1"):rep(100000))))
  end)

  it("makes infinities of numbers too large for a double", function()
    assert.equal(math.huge, (core.decode("1e999")))
    assert.equal(-math.huge, (core.decode("-1e999")))
    assert.equal(math.huge, (core.decode("1e99999999999999999999")))
    assert.equal(0, (core.decode("1e-99999999999999999999")))
  end)

  it("makes sequences of arrays, nulls included", function()
    assert.same({ 1, null, "x", { null }, {} },
      (core.decode('[1,null,"x",[null],[]]')))
    assert.equal(2, #core.decode("[null,null]"))
    assert.same({}, (core.decode(" [ ] ")))
  end)

  it("leaves null members out, or keeps them", function()
    local text = '{"a":null,"b":{"c": null ,"d":[null]}}'
    assert.same({ b = { d = { null } } }, (core.decode(text)))
    assert.same({ a = null, b = { c = null, d = { null } } },
      (core.decode(text, { keep_null = true })))
  end)

  it("lets the last of two members of one name win", function()
    assert.same({ a = 2 }, (core.decode('{"a":1,"a":2}')))
    assert.same({}, (core.decode('{"a":1,"a":null}')))
    assert.same({ a = 1 }, (core.decode('{"a":null,"\\u0061":1}')))
  end)

  it("takes names of any bytes", function()
    assert.same({ [""] = 1, ["\0"] = 2, ["a\"b"] = 3, ["é"] = 4 },
      (core.decode('{"":1,"\\u0000":2,"a\\"b":3,"\\u00e9":4}')))
  end)

  it("takes white space wherever it may stand", function()
    assert.same({ a = { 1, 2, { b = "x" } }, c = {} },
      (core.decode(' {\t"a"\n: [ 1 ,2\r, {"b" : "x" } ] , "c": { } } \n')))
  end)

  it("is 128 levels deep and no deeper", function()
    local function nested(open, close, levels)
      return open:rep(levels) .. "0" .. close:rep(levels)
    end
    assert.is_table((core.decode(nested("[", "]", 128))))
    assert.is_table((core.decode(nested('{"a":', "}", 128))))
    local offset, reason = wrong(nested("[", "]", 129))
    assert.equal(128, offset)
    assert.equal("nested too deeply", reason)
    assert.equal(128 * 5, (wrong(nested('{"a":', "}", 129))))
    -- A map's entries are two levels of their own.
    local function in_map(levels)
      return '{"metrics":[{"key":"a","value":' .. nested("[", "]", levels)
        .. "}]}"
    end
    local decode = core.decoder(rows_shape)
    for _ = 1, 2 do
      assert.is_table((decode('{"metrics":[{"key":"a","value":1}]}')))
      assert.is_table((decode(in_map(125))))
      assert.is_nil((decode(in_map(126))))
    end
  end)
end)

describe("a text that is not JSON", function()
  it("is reported with the offset of its first wrong byte", function()
    for text, offset in pairs {
      [""] = 0, [" "] = 1, ["x"] = 0, ["1 2"] = 2, ["[1,]"] = 3, ["[1"] = 2,
      ["[1}"] = 2, ["{]"] = 1, ['{"a"}'] = 4, ['{"a":}'] = 5, ['{"a":1,}'] = 7,
      ['{"a":1'] = 6, ['{"a":1]'] = 6, ['{a:1}'] = 1, ["01"] = 1, ["-"] = 1,
      ["+1"] = 0, ["1."] = 2, [".5"] = 0, ["1e"] = 2, ["0x1"] = 1, ["NaN"] = 0,
      ["tru"] = 3, ["trux"] = 3, ["nul"] = 3, ['"a'] = 2, ['"\n"'] = 1,
      ['"\\x"'] = 2, ['"\\ud800"'] = 7, ['"\\udc00"'] = 4, ['"\128"'] = 1,
      ['"\192\128"'] = 1, ['"\237\160\128"'] = 2, ['"\244\144\128\128"'] = 2,
      ["\239\187\191{}"] = 0, ["{}\0"] = 2, ["[1]]"] = 3, ["{} {}"] = 3,
      ['{"a":[1,{"b":tru}]}'] = 16, ['{"a":"\\u00g0"}'] = 10,
    } do
      assert.equal(offset, (wrong(text)), text)
    end
  end)

  it("is cut short when only its end is missing", function()
    local text = '{"id":"1","metrics":[{"key":"a","value":-1.5e3}],"x":[null]}'
    local decode = core.decoder(rows_shape)
    assert.is_table((decode(text)))
    for cut = 0, #text - 1 do
      local value, reason, offset = decode(text:sub(1, cut))
      assert.is_nil(value)
      assert.equal("cut short", reason)
      assert.equal(cut, offset)
    end
    assert.is_table((decode(text)))
  end)

  it("is found even if a similar one was valid before", function()
    local good = '{"id":"1","name":"x","metrics":[{"key":"a","value":1},'
      .. '{"key":"b","value":"y"}],"more":{"z":[1,2]}}'
    local decode = core.decoder(rows_shape)
    assert.is_table((decode(good)))
    -- Each byte of it replaced by each of these: as one that learnt nothing.
    for at = 1, #good do
      for byte in ('{}[]:,"\\ x1-.\1\255'):gmatch(".") do
        local text = good:sub(1, at - 1) .. byte .. good:sub(at + 1)
        local learnt = { decode(text) }
        assert.same({ core.decode(text, rows_shape) }, learnt)
      end
    end
  end)
end)

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
