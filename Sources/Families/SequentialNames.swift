import Tensors

/// Names of `nn.Sequential(*list(resnet.children())[:-1])`: the modules' numbers in place of their
/// names.
enum SequentialNames {
  /// torchvision's names for numbered children; `nil` where the numbers are not those of its modules.
  ///
  /// The order of the modules is the order of computation in such a list, so that a number tells what
  /// a module is: convolution (0), norm (1), nothing with parameters (2, 3: ReLU and pool), four
  /// stages (4 to 7), perhaps a dense layer after the pooling.
  @Sendable
  static func torchvision(_ tensors: [TensorInfo]) -> [String: String]? {
    let names = Set(tensors.map(\.name))
    let ending = "4.0.conv1.weight"
    let prefixes = Set(
      names.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) })
    guard prefixes.count == 1, let prefix = prefixes.first,
      prefix.isEmpty || prefix.hasSuffix(".")
    else { return nil }
    let children = Set(names.compactMap { child(of: $0, after: prefix)?.number })
    let isThere = { (part: String) in names.contains(prefix + part) }
    guard isThere("0.weight"), isThere("1.weight"), isThere("1.running_mean"),
      children.isDisjoint(with: [2, 3, 8])
    else { return nil }
    let last = children.filter { $0 > 8 }
    var modules = [0: "conv1", 1: "bn1"]
    for stage in 1...4 where children.contains(stage + 3) { modules[stage + 3] = "layer\(stage)" }
    if last.count == 1, let number = last.first { modules[number] = "fc" }
    guard modules.keys.contains(5), Set(modules.keys) == children else { return nil }
    var result: [String: String] = [:]
    for name in names {
      guard let (number, rest) = child(of: name, after: prefix), let module = modules[number]
      else { continue }
      result[name] = prefix + module + rest
    }
    return result
  }

  private static func child(of name: String, after prefix: String) -> (number: Int, rest: String)? {
    guard name.hasPrefix(prefix) else { return nil }
    let own = name.dropFirst(prefix.count)
    let digits = own.prefix { $0.isASCII && $0.isNumber }
    guard digits.count <= 3, let number = Int(digits), own.dropFirst(digits.count).first == "."
    else { return nil }
    return (number, String(own.dropFirst(digits.count)))
  }
}
