package import Families
package import Files
import Plain
import Tensors

extension Rules {
  /// More than any list of rules takes.
  private static let maximumBytes = 4 << 20

  /// Reads rules for the names of tensors from a JSON file.
  ///
  /// - Throws: `InputError` that says what was expected.
  package init(path: String) throws(InputError) {
    let file = try MappedFile(path: path)
    func fault(_ place: String) -> InputError {
      InputError(
        .badData, path: path, "is no list of rules", place: place,
        hint:
          #"{"schema": "rnw.rules/1", "rules": [{"match": "REGULAR EXPRESSION", "name": "NAME"}]}"#)
    }
    guard file.count <= Self.maximumBytes, let bytes = file.bytes(at: 0, count: file.count) else {
      throw fault("it has \(file.count) bytes")
    }
    do {
      // The strict reader: nothing twice, nothing after the end.
      _ = try JSONValue(json: bytes)
      self = try RecordCoding.record(from: String(decoding: bytes, as: UTF8.self))
    } catch let DecodingError.dataCorrupted(context) {
      throw fault(context.debugDescription)
    } catch let DecodingError.keyNotFound(key, _) {
      throw fault("\(key.stringValue) is missing")
    } catch let DecodingError.typeMismatch(_, context) {
      throw fault(
        "\(context.codingPath.last?.stringValue ?? "the document") is of another type than expected"
      )
    } catch {
      throw fault("it is not JSON")
    }
  }
}
