/// A user's own rules for the names of a file that no family knows: what each tensor is called in a family's names, how
/// its axes lie, and which tensors are passed over.
///
/// They only rename: whether the file then is a network is checked as for any other.
package struct Rules: Hashable, Sendable {
  /// The first rule that matches a name is the tensor's; a name that none matches stays as it is.
  package var rules: [Rule]

  /// The family whose names are given; `nil` to recognise it.
  package var family: String?

  package init(rules: [Rule], family: String? = nil) {
    self.rules = rules
    self.family = family
  }

  /// One rule.
  package struct Rule: Hashable, Sendable {
    /// A regular expression that matches a whole name.
    package var match: String
    /// What becomes of the tensor.
    package var action: Action

    package init(match: String, action: Action) {
      self.match = match
      self.action = action
    }
  }

  /// What becomes of a tensor.
  package enum Action: Hashable, Sendable {
    /// It is passed over, for a reason.
    case waive(String)
    /// It gets a name, and its axes another order.
    case rename(NameTemplate, Rearrangement)
  }
}
