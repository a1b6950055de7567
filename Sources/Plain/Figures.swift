/// A number with so many significant digits and an exponent of at least two digits, such as
/// `1.2e-05`; `0`, `inf` and `nan` as such.
package func scientific(_ value: Double, digits: Int) -> String {
  guard value != 0, value.isFinite else {
    return value.isNaN ? "nan" : value == 0 ? "0" : value < 0 ? "-inf" : "inf"
  }
  let sign = value < 0 ? "-" : ""
  let (significand, exponent) = decimalDigits(of: value.magnitude, count: digits)
  let first = significand.prefix(1)
  let rest = significand.dropFirst()
  let power = String(exponent.magnitude)
  return sign + first + (rest.isEmpty ? "" : "." + rest)
    + "e" + (exponent < 0 ? "-" : "+") + (power.count < 2 ? "0" + power : power)
}

/// A number for people: so many significant digits, with an exponent only where it is very small or
/// large.
package func readable(_ value: Double, digits: Int = 2) -> String {
  guard value.isFinite, value != 0 else { return scientific(value, digits: digits) }
  let (significand, exponent) = decimalDigits(of: value.magnitude, count: digits)
  guard (-2...5).contains(exponent) else { return scientific(value, digits: digits) }
  let sign = value < 0 ? "-" : ""
  if exponent < 0 {
    return sign + "0." + String(repeating: "0", count: -exponent - 1) + significand
  }
  if exponent + 1 >= digits {
    return sign + significand + String(repeating: "0", count: exponent + 1 - digits)
  }
  return sign + significand.prefix(exponent + 1) + "." + significand.dropFirst(exponent + 1)
}

/// A number for people, or a dash where there is none.
package func figure(_ value: Double, digits: Int = 2) -> String {
  value.isNaN ? "–" : readable(value, digits: digits)
}

/// A number of moderate size with so many decimals; a dash where there is none.
package func fixed(_ value: Double, decimals: Int) -> String {
  guard !value.isNaN else { return "–" }
  let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
  guard value.magnitude * Double(scale) < 1e15 else { return readable(value, digits: decimals) }
  let rounded = Int((value.magnitude * Double(scale)).rounded())
  let whole = (value < 0 && rounded > 0 ? "-" : "") + String(rounded / scale)
  guard decimals > 0 else { return whole }
  let fraction = String(rounded % scale)
  return whole + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// A count with commas between thousands.
package func grouped(_ count: Int) -> String {
  var text = ""
  for (index, digit) in String(count.magnitude).reversed().enumerated() {
    if index > 0, index.isMultiple(of: 3) { text.append(",") }
    text.append(digit)
  }
  return (count < 0 ? "-" : "") + String(text.reversed())
}

/// A number and a noun.
package func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}

/// The first few names, and how many more there are.
package func listed(_ names: [String], atMost count: Int) -> String {
  let shown = names.prefix(count).joined(separator: ", ")
  return names.count > count ? "\(shown) and \(names.count - count) more" : shown
}

/// The first digits of a positive number, rounded to nearest, and the power of ten of the first of
/// them.
private func decimalDigits(of value: Double, count: Int) -> (digits: String, exponent: Int) {
  // Swift writes the shortest text that reads back as the same value; its digits are exact enough
  // to round by, and no arithmetic can overflow on the way.
  var digits: [Int] = []
  var exponent = 0
  var seenPoint = false
  var mantissa = "\(value)"
  var power = 0
  if let mark = mantissa.firstIndex(where: { $0 == "e" || $0 == "E" }) {
    power = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
    mantissa = String(mantissa[..<mark])
  }
  for character in mantissa {
    guard let digit = character.wholeNumberValue else {
      seenPoint = true
      continue
    }
    if digits.isEmpty, digit == 0 {
      if seenPoint { exponent -= 1 }
      continue
    }
    digits.append(digit)
    if !seenPoint { exponent += 1 }
  }
  exponent += power - 1
  let roundsUp = digits.count > count && digits[count] >= 5
  digits = Array((digits + Array(repeating: 0, count: count)).prefix(count))
  if roundsUp {
    var index = count - 1
    while index >= 0, digits[index] == 9 {
      digits[index] = 0
      index -= 1
    }
    if index >= 0 {
      digits[index] += 1
    } else {
      digits = [1] + digits.dropLast()
      exponent += 1
    }
  }
  return (digits.map(String.init).joined(), exponent)
}
