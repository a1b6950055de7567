import Foundation
import RNW
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("The table of cases that every reader of .rnw runs")
struct FormatCaseTests {
  /// A golden file with one thing changed, and what every reader answers.
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let answer: Answer
    let file: String
    let bytes: [Piece]

    var testDescription: String { name }

    enum Answer: String, Decodable, Sendable {
      /// It opens, and all of it holds.
      case accepted
      /// It opens, but what is in it does not hold.
      case opened
      /// It does not open.
      case refused
    }

    /// Bytes of the golden file, or others.
    enum Piece: Decodable, Sendable {
      case kept(Range<Int>)
      case other(Data)

      init(from decoder: any Decoder) throws {
        if let range = try? [Int](from: decoder) {
          self = .kept(range[0]..<range[0] + range[1])
        } else {
          self = .other(try decoder.singleValueContainer().decode(Data.self))
        }
      }
    }
  }

  @Test("The answer is that of the table", .timeLimit(.minutes(30)))
  func answers() throws {
    let folder = try TemporaryFolder()
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(try Fixture.bytes("rnw/cases.json")))
    #expect(cases.count > 400)
    for item in cases {
      let golden = try Fixture.bytes("rnw/\(item.file)")
      let bytes = item.bytes.flatMap { piece in
        switch piece {
        case .kept(let range): Array(golden[range])
        case .other(let bytes): [UInt8](bytes)
        }
      }
      let path = try folder.write(bytes, to: "case.rnw")
      #expect(Self.answer(to: path) == item.answer, "\(item.name)")
    }
  }

  private static func answer(to path: String) -> Case.Answer {
    guard (try? RNWFile(path: path)) != nil else { return .refused }
    let check = try? verifyAlone(VerificationRequest(model: path))
    return check?.passes == true ? .accepted : .opened
  }
}
