<?php
// SimpleSAMLphp as an identity provider for tests. All its files are in this directory, and its secrets are only for tests.
$config = [
    'baseurlpath' => 'http://127.0.0.1:' . getenv('IDP_PORT') . '/',
    'certdir' => __DIR__ . '/',
    'loggingdir' => __DIR__ . '/',
    'datadir' => __DIR__ . '/',
    'tempdir' => __DIR__ . '/tmp',
    'secretsalt' => 'known to this test alone',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'technicalcontact_email' => 'nobody@example.test',
    'timezone' => 'UTC',
    'logging.handler' => 'errorlog',
    'logging.level' => 4,
    'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'session.cookie.secure' => false,
    'session.phpsession.savepath' => __DIR__ . '/tmp',
    'session.phpsession.cookiename' => 'IDP',
    'store.type' => 'phpsession',
    'language.default' => 'en',
    // Metadata of the tested server, as an administrator would upload it. The file is written later than this
    // configuration, because the server needs the provider's metadata to start.
    'metadata.sources' => array_filter([
        ['type' => 'flatfile', 'directory' => __DIR__ . '/metadata'],
        is_file(__DIR__ . '/sp.xml') ? ['type' => 'xml', 'file' => __DIR__ . '/sp.xml'] : null,
    ]),
    'production' => false,
    'showerrors' => true,
];
