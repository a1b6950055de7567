import Plain

extension Double {
  /// A time in seconds as milliseconds with one decimal.
  var milliseconds: String { "\(fixed(self * 1000, decimals: 1)) ms" }
}
