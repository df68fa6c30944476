-- The strict JSON reader end to end: splitter and record decoder, by way of
-- core.decode, core.decoder and core.decode_list.
local core = require "ccaas.core"
local json = require "spec.support.json"
local null = require("cjson").null

local is_integer = math.type and function(value)
  return math.type(value) == "integer"
end or function(value)
  return value == math.floor(value)
end

local wrong, rows_shape, random = json.wrong, json.rows_shape, json.random

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
