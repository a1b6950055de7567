import FoundationEssentials

extension Int {
  /// The number with commas between thousands.
  var withSeparators: String {
    var result = ""
    for (index, digit) in String(self).reversed().enumerated() {
      if index > 0, index.isMultiple(of: 3), digit != "-" { result.append(",") }
      result.append(digit)
    }
    return String(result.reversed())
  }
}

extension Double {
  /// A time in seconds as milliseconds with one decimal.
  var milliseconds: String { "\((self * 1000).formatted(decimals: 1)) ms" }

  /// The number with so many decimals.
  func formatted(decimals: Int) -> String {
    guard isFinite else { return "\(self)" }
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let rounded = Int((Swift.abs(self) * scale).rounded())
    let whole = String(rounded / Int(scale))
    let sign = self < 0 && rounded > 0 ? "-" : ""
    guard decimals > 0 else { return sign + whole }
    let fraction = String(rounded % Int(scale))
    return sign + whole + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }
}
