--- Names in many scripts, some of them awkward to write down.  Data.

local names = {}

---@type string[]
names.people = {
  "Ada Lovelace", "Zoë Ångström", "José Núñez", "Łukasz Żółć", "Þóra Ægisdóttir",
  "Ελένη Παπαδοπούλου", "Андрей Щербаков", "Ганна Ґалаґан", "عمر الفاروق",
  "שירה כהן", "王秀英", "山田 太郎", "김민준", "अनिता शर्मा", "สมชาย ใจดี",
  "Ngô Thị Hương", "Rock 'n' \"Roll\" O'Neil", "Back\\Slash Smith",
  "Sales/Support Kim", "Emoji 😀👩‍💻", "𝔘𝔫𝔦 𐐷ode", "José Núñez",
  "<b>Ana</b> & Co.", "Max (Berlin)",
}

---@type string[]
names.queues = {
  "Appointments", "Réclamations", "Kundenservice Süd", "Τεχνική υποστήριξη",
  "Продажи", "المبيعات", "תמיכה טכנית", "客户服务", "カスタマーサポート",
  "고객 지원", "ग्राहक सेवा", "VIP ⭐️ 🎧", 'The "Red" Line', "A\\B Test",
  "Tier 1/Tier 2", "Sales & Returns, 24x7",
}

---@type string[]
names.groups = {
  "Day shift", "Équipe de nuit", "Βάρδια", "Смена", "فريق", "צוות", "夜班",
  "夜勤", "야간", "टीम", "Team 🚀", 'Group "A"', "North\\South", "I/O",
}

return names
