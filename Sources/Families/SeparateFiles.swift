import Files
import ResNetV2
import Tensors

/// The two files in which people keep a network whose framework hands out moving statistics apart from the parameters.
struct SeparateFiles: Sendable {
  /// What the file of parameters is called, without its ending.
  let parameters: String
  /// What the file of moving statistics is called, and the framework calls them.
  let statistics: String

  /// Why a file of parameters alone is no network.
  ///
  /// - Parameter missing: the first statistic that is not there, and how many more.
  func withoutStatistics(path: String, missing: String) -> InputError {
    let (folder, name) = path.folderAndName
    let other = "\(statistics).\(Self.ending(of: name))"
    let both = "\(parameters).\(Self.ending(of: name)) and \(other)"
    let isBeside = FileStamp(path: folder + other) != nil
    return InputError(
      .badData, path: path, "has parameters, and no moving statistics of its norms",
      place:
        "\(missing); \(folder)\(other) was looked for, and is \(isBeside ? "there" : "not there")",
      hint: isBeside && name.hasPrefix(parameters + ".")
        ? "give the folder of both, which is one source: \(folder.isEmpty ? "." : folder)"
        : "a folder with \(both) in it, the \(statistics) in the second, is one source",
      reason: .otherNetwork)
  }

  /// Why a file of moving statistics alone is no network.
  func withoutParameters(path: String) -> InputError {
    let ending = Self.ending(of: path.lastName)
    return InputError(
      .badData, path: path, "has moving statistics, and no parameters",
      hint: "a folder with \(parameters).\(ending) and \(statistics).\(ending) in it is one source",
      reason: .otherNetwork)
  }

  private static func ending(of name: String) -> String {
    let parts = name.split(separator: ".")
    return parts.count > 1 ? String(parts[parts.count - 1]) : "npz"
  }
}

extension Recognition {
  /// The file that lacks all parameters, where the family keeps moving statistics apart; `nil` for any other.
  func withoutParameters(path: String) -> InputError? {
    guard let separate = family.separateFiles else { return nil }
    let endings = [Parameter.Role.mean, .variance].compactMap { family.tensors.roles[$0] }
    let isAlone = tensors.keys.allSatisfy { name in endings.contains(where: name.hasSuffix) }
    return isAlone ? separate.withoutParameters(path: path) : nil
  }
}
