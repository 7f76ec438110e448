<?php
// Encrypts an assertion like other providers, with the library of SimpleSAMLphp, which itself uses only AES-CBC.
// Arguments: the library's loader, a certificate, the cipher. Reads the assertion from standard input and writes the
// EncryptedAssertion in canonical form to standard output.
require $argv[1];

use RobRichards\XMLSecLibs\XMLSecEnc;
use RobRichards\XMLSecLibs\XMLSecurityKey;

$assertion = new DOMDocument();
$assertion->loadXML(stream_get_contents(STDIN));
$transport = new XMLSecurityKey(XMLSecurityKey::RSA_OAEP_MGF1P, ['type' => 'public']);
$transport->loadKey($argv[2], true, true);
$key = new XMLSecurityKey($argv[3]);
$key->generateSessionKey();
$encryption = new XMLSecEnc();
$encryption->setNode($assertion->documentElement);
$encryption->type = XMLSecEnc::Element;
$encryption->encryptKey($transport, $key);
$data = $encryption->encryptNode($key, false);
$document = new DOMDocument();
$root = $document->createElementNS('urn:oasis:names:tc:SAML:2.0:assertion', 'saml:EncryptedAssertion');
$document->appendChild($root);
$root->appendChild($document->importNode($data, true));
$plain = new DOMDocument();
$plain->loadXML($document->saveXML());
echo $plain->documentElement->C14N(true, false);
