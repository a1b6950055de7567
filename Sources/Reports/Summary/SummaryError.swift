package import ResNetV2

/// Why a network cannot be summarised as asked.
package enum SummaryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The input does not fit the network.
  case input(InputShapeError)
  /// The sizes are no input of the network: four numbers, one of them the channels.
  case sizes([Int], channels: Int)
  /// Some columns show what only a pass over an input tells.
  case columnsNeedInput([SummaryColumn])
  /// A count does not fit into 64 bits.
  case tooLarge

  /// What is wrong, in one line.
  package var description: String {
    switch self {
    case .input(let error):
      return error.description
    case .sizes(let sizes, let channels):
      let given = sizes.map(String.init).joined(separator: ",")
      return "an input size of \(given) does not fit: expected four sizes from 1 up, such as 1,"
        + "\(channels),224,224"
    case .columnsNeedInput(let columns):
      let names = columns.map(\.rawValue).joined(separator: ", ")
      return "the columns \(names) need an input size"
    case .tooLarge:
      return "the counts of this network and input do not fit into 64 bits"
    }
  }
}
