import Plain

/// A number with two decimals, rounded as Python's `.2f` does: what the Double exactly is to the
/// nearest, a tie to the even digit.
///
/// - Parameter number: at least 0 and below 2⁵⁰, so that its hundredths are exact.
func hundredths(_ number: Double, isGrouped: Bool = false) -> String {
  // The product is rounded; the fused steps below compare with the exact one.
  var whole = (number * 100).rounded(.down)
  if (-whole).addingProduct(number, 100) < 0 { whole -= 1 }
  let excess = (-(2 * whole + 1)).addingProduct(number, 200)
  var count = Int(whole)
  if excess > 0 || excess == 0 && count % 2 == 1 { count += 1 }
  let (units, rest) = count.quotientAndRemainder(dividingBy: 100)
  return (isGrouped ? grouped(units) : String(units)) + (rest < 10 ? ".0" : ".") + String(rest)
}
