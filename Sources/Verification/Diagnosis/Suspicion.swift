/// What is wrong with a layer, in the words of its family.
package struct Suspicion: Hashable, Sendable {
  /// The explanation, such as `gamma and beta are swapped`.
  package let explanation: String

  /// The scaled error of the layer when that is put right; `nil` where the explanation only says
  /// where the error is.
  package let scaledError: Double?

  /// The layouts that were confused, where that is the explanation.
  let layouts: LayoutMistake?

  init(explanation: String, scaledError: Double?, layouts: LayoutMistake? = nil) {
    self.explanation = explanation
    self.scaledError = scaledError
    self.layouts = layouts
  }

  /// The explanation and how well it explains.
  package var description: String {
    guard let scaledError else { return explanation }
    return "\(explanation) (put right, the error is \(readable(scaledError)))"
  }
}
