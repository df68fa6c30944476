--- Text and numbers as protocols have them, whatever locale the host has set: in
--- place of string.lower and upper, %a, %c, %l, %p, %u and %w in patterns (write
--- out the letters), and of numbers that Lua turns into text.

local text = {}

--- A set for patterns: control characters of ASCII.
text.CONTROLS = "%z\1-\31\127"

local function to_lower(letters)
  return (letters:gsub("[A-Z]", function(letter) return string.char(letter:byte() + 32) end))
end

local function to_upper(letters)
  return (letters:gsub("[a-z]", function(letter) return string.char(letter:byte() - 32) end))
end

--- The text with ASCII's letters in lower case.
---@param value string
---@return string
function text.lower(value)
  return (value:gsub("[A-Z]+", to_lower))
end

--- The text with ASCII's letters in upper case.
---@param value string
---@return string
function text.upper(value)
  return (value:gsub("[a-z]+", to_upper))
end

--- Has it a control character of ASCII in it?
---@param value string
---@return boolean
function text.has_controls(value)
  return value:find("[" .. text.CONTROLS .. "]") ~= nil
end

--- A number in digits, with a point: the same ones on every Lua, and as few as say
--- which number it is.  (What is not finite is as Lua has it.)
---@param number number
---@return string
function text.number(number)
  if number % 1 == 0 and number >= -2 ^ 63 and number < 2 ^ 63 then
    return string.format("%d", number)
  end
  local digits
  for places = 15, 17 do
    digits = string.format("%." .. places .. "g", number)
    if tonumber(digits) == number then -- both as the locale has it
      break
    end
  end
  return number - number == 0 and (digits:gsub("[^0-9e+-]+", ".")) or digits
end

--- A value in words: a number as above, anything else by `tostring`.
---@param value any
---@return string
function text.of(value)
  return type(value) == "number" and text.number(value) or tostring(value)
end

return text
