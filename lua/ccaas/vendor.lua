--- Vendors as data: finding a vendor's description, and checking it when it is
--- loaded.
---
--- A vendor is a folder `ccaas/vendor/NAME/` with a `description.lua` and the
--- modules that only this vendor needs.  Nothing outside that folder knows its
--- name, its addresses or its numbers.

local options = require "ccaas.options"
local results = require "ccaas.result"
local text = require "ccaas.text"
local usage_error = require "ccaas.usage_error"

local vendors = {}

---@class ccaas.Vendor what a description.lua gives
---@field name string its folder's name, the value of option `provider`
---@field address ccaas.VendorAddress where the API is
---@field auth ccaas.VendorAuth how requests are authorized
---@field options table<string, ccaas.VendorOption> the options of `ccaas.new` that it adds
---@field tenant_header? string header with a sub-tenant's id; methods then take option `tenant`
---@field accept string value of the Accept header
---@field content_type? string value of the Content-Type header of all requests
---@field dialect ccaas.VendorDialect how its errors read
---@field paging? ccaas.VendorPaging of methods whose result is "stream"
---@field parameters table<string, string[]> option: its name in a query, and its kind ("names", "ids", "repeated",
---"text", "flag", "time")
---@field methods table<string, ccaas.VendorMethod>
---@field results? table<string, string> kinds of results that only this vendor has: name and module
---@field programs? table<string, string> methods made of others: name and module, which gives the function

---@class ccaas.VendorAddress one of the three
---@field url? string the same for all customers
---@field regions? table<string, string> one for each value of option `region`; `%s` is option `version`
---@field region? string the default of option `region`
---@field version? string the default of option `version`
---@field host? string with `%s` for option `host`
---@field example? string a host, for messages

---@class ccaas.VendorAuth
---@field kind "client_credentials"|"bearer" OAuth 2 with options `key` and `secret`, or option `token`
---@field token_url? string of client_credentials; the default of option `token_url`

---@class ccaas.VendorOption
---@field check string a name in `options.checks`
---@field needed? boolean
---@field keep? boolean the vendor's modules find it in the client's internals, as `kept`; never a secret

---@class ccaas.VendorDialect paths are member names joined by dots
---@field messages string[] paths of the message in an error's body, the first that is there
---@field codes string[] of its code
---@field references string[] of the request's id
---@field throttles string[] codes that begin so mean a rate limit
---@field past_end? string a message with it means a page behind the last

---@class ccaas.VendorPaging
---@field kind "page_number"
---@field page string the parameter with the page's number, from 0
---@field size string the parameter with the page's size
---@field most integer rows of the largest page
---@field headers string[] page, page size, pages and rows in all, as response headers; "" for one that it lacks

---@class ccaas.VendorShape how a row becomes a table
---@field rename? string[][] pairs of member name and ours
---@field identity? string[] members that together are a row's id
---@field map? string member with a list of key and value, which becomes a map
---@field map_key? string
---@field map_value? string

---@class ccaas.VendorMethod
---@field path string below the address; `{name}` is an id, an argument of the method
---@field result string a kind of `ccaas.result`, or of the vendor's own `results`
---@field takes string[] options that are parameters
---@field needs? string[] options of which one is needed
---@field needs_all? string[] options that are all needed
---@field first? string the option that is the method's first argument
---@field fields? string[] members of a row that are the path's ids; the row is the first argument
---@field row_of? string the method that gives such rows
---@field accept? string
---@field content_type? string
---@field shape? ccaas.VendorShape
---@field totals? string name of the row with the totals
---@field key? string member of the answer that has the rows
---@field resume? "count" of rows in one answer: how a broken answer is continued
---@field each? fun(row: any): any what becomes of each row
---@field parts? table<string, ccaas.VendorPart> of a document: its lists

---@class ccaas.VendorPart
---@field rename? table<string, string> member name and ours
---@field shape? ccaas.VendorShape of the part's rows
---@field inner? { member: string, shape: ccaas.VendorShape } rows inside of an item

-- -- The schema ------------------------------------------------------------------

-- A field is the name of a Lua type, a function that gives a reason, or a table:
-- { list = field }, { map = field } or { fields = { name = field } }; names that
-- end in `?` may be missing.

local texts = { list = "string" }

local shape = { fields = {
  ["rename?"] = { list = texts }, ["identity?"] = texts,
  ["map?"] = "string", ["map_key?"] = "string", ["map_value?"] = "string",
} }

local method = {
  path = "string", result = "string", takes = texts,
  ["needs?"] = texts, ["needs_all?"] = texts, ["first?"] = "string",
  ["fields?"] = texts, ["row_of?"] = "string",
  ["accept?"] = "string", ["content_type?"] = "string",
  ["shape?"] = shape, ["totals?"] = "string", ["key?"] = "string", ["resume?"] = "string", ["each?"] = "function",
  ["parts?"] = { map = { fields = {
    ["rename?"] = { map = "string" }, ["shape?"] = shape,
    ["inner?"] = { fields = { member = "string", shape = shape } },
  } } },
}

local function one_of(known)
  return function(value)
    return not known[value] and "has the unknown value " .. text.of(value) .. usage_error.hint(value, known) or nil
  end
end

local vendor = { fields = {
  name = "string",
  address = { fields = {
    ["url?"] = "string", ["regions?"] = { map = "string" }, ["region?"] = "string", ["version?"] = "string",
    ["host?"] = "string", ["example?"] = "string",
  } },
  auth = { fields = { kind = one_of { client_credentials = true, bearer = true }, ["token_url?"] = "string" } },
  options = { map = { fields = {
    check = one_of(options.checks),
    ["needed?"] = "boolean", ["keep?"] = "boolean",
  } } },
  ["tenant_header?"] = "string", accept = "string", ["content_type?"] = "string",
  dialect = { fields = {
    messages = texts, codes = texts, references = texts, throttles = texts, ["past_end?"] = "string",
  } },
  ["paging?"] = { fields = {
    kind = one_of { page_number = true }, page = "string", size = "string", most = "number", headers = texts,
  } },
  parameters = { map = texts },
  methods = { map = "table" }, -- each by the words of its kind
  ["results?"] = { map = "string" }, ["programs?"] = { map = "string" },
} }

local check

local function check_fields(where, value, fields)
  local known = {}
  for name, field in pairs(fields) do
    local bare = name:gsub("%?$", "")
    known[bare] = field
    if value[bare] == nil and bare == name then
      error(("%s: `%s` is missing"):format(where, name), 0)
    end
  end
  for name, inner in pairs(value) do
    if known[name] == nil then
      error(("%s: unknown word `%s`%s"):format(where, text.of(name), usage_error.hint(name, known)), 0)
    end
    check(where .. "." .. name, inner, known[name])
  end
end

-- Raises, without a position, when a value is not as its field says.
function check(where, value, field)
  if type(field) == "function" then
    local reason = field(value)
    if reason then
      error(where .. " " .. reason, 0)
    end
    return
  end
  local wanted = type(field) == "table" and "table" or field
  if type(value) ~= wanted then
    error(("%s must be a %s, not a %s"):format(where, wanted, type(value)), 0)
  elseif field.fields then
    check_fields(where, value, field.fields)
  elseif field.list or field.map then
    for name, inner in pairs(value) do
      if type(name) ~= (field.list and "number" or "string") then
        error(("%s: %s is not a %s"):format(where, text.of(name), field.list and "place in a list" or "name"), 0)
      end
      check(where .. "." .. text.of(name), inner, field.list or field.map)
    end
  end
end

-- A kind of result: the vendor's own, or one that all have.
local function kind_of(description, name)
  local module = description.results and description.results[name]
  return module and require(module) or results[name]
end

local function check_method(description, name, given)
  local where = ("%s.methods.%s"):format(description.name, name)
  local kind = kind_of(description, given.result)
  if not kind then
    local known = {}
    for word in pairs(results) do
      known[word] = true
    end
    for word in pairs(description.results or {}) do
      known[word] = true
    end
    error(("%s: unknown result `%s`%s"):format(where, text.of(given.result), usage_error.hint(given.result, known)), 0)
  end
  local words = {}
  for _, set in ipairs { method, kind.words or {} } do
    for word, field in pairs(set) do
      words[word] = field
    end
  end
  check(where, given, { fields = words })
  for _, option in ipairs(given.takes) do
    if not description.parameters[option] then
      error(("%s: `takes` has `%s`, which is not in `parameters`%s"):format(where, option,
        usage_error.hint(option, description.parameters)), 0)
    end
  end
end

--- Checks a vendor's description.  Raises a message that names what is wrong.
---@param description any
---@param name string the name of its folder
---@return ccaas.Vendor description
function vendors.check(description, name)
  local where = ("the description of vendor %q"):format(name)
  check(where, description, vendor)
  if description.name ~= name then
    error(("%s has the name %q"):format(where, description.name), 0)
  end
  local address = description.address
  if not (address.url or address.host or address.regions and address.region and address.version) then
    error(where .. ".address needs `url`, `host`, or `regions` with a `region` and a `version`", 0)
  end
  for method_name, given in pairs(description.methods) do
    check_method(description, method_name, given)
    if given.result == "stream" and not description.paging then
      error(("%s: method `%s` gives pages, so `paging` is needed"):format(where, method_name), 0)
    end
  end
  return description
end

-- -- Finding one -----------------------------------------------------------------

local loaded = {}

-- The description's module; nil: there is none of that name.
local function load_description(name)
  local module = ("ccaas.vendor.%s.description"):format(name)
  local fine, description = pcall(require, module)
  if fine then
    return description
  elseif type(description) == "string" and description:find(("module '%s' not found"):format(module), 1, true) then
    return nil
  end
  error(description, 0)
end

--- The vendor that option `provider` names.  A name that is unknown raises at the
--- caller's line, and so does a description that is wrong.
---@param name any
---@return ccaas.Vendor
function vendors.find(name)
  if loaded[name or false] then
    return loaded[name]
  end
  local listed = require "ccaas.vendor.list"
  if name == nil then
    usage_error.raise("ccaas.new: needs option `provider`: \"%s\"", table.concat(listed, "\" or \""))
  end
  local description = type(name) == "string" and name:find("^[%w_-]+$") and load_description(name)
  if not description then
    local known = {}
    for _, one in ipairs(listed) do
      known[one] = true
    end
    usage_error.raise("ccaas.new: unknown provider %q%s", tostring(name), usage_error.hint(name, known))
  end
  loaded[name] = vendors.check(description, name)
  return description
end

--- The kind of a method's result: { result = function, options?, words? }.
---@param description ccaas.Vendor
---@param name string the kind
---@return table
vendors.kind_of = kind_of

return vendors
